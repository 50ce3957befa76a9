using System.Text;
using System.Text.Json;
using CsCheck;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Laws;

/// <summary>events.md, rule 3, where strangers send and start too: each workspace has the document of its own writers' events.</summary>
public sealed class PlacementLaws
{
    private static readonly Guid[] Workspaces = [TestClients.WorkspaceA, TestClients.WorkspaceB, Guid.Parse("11111111-0000-4000-8000-00000000000c")];

    private static readonly Sender[] Senders =
    [
        Sender.Of("a", [Workspaces[0]]), Sender.Of("b", [Workspaces[1]]), Sender.Of("ab", [Workspaces[0], Workspaces[1]]), Sender.Of("c", [Workspaces[2]]),
    ];

    private static DocumentTable<SessionResult> Table => SessionResultTable.Documents;

    [Fact]
    public void Any_order_and_any_batches_make_the_documents_of_all_events_at_once() =>
        Gen.Select(AnySession.Events, Gen.Int[1, 6], Gen.Int[0, int.MaxValue]).Sample(
            (session, size, seed) =>
            {
                var random = new Random(seed);
                var events = Read(session, random);
                var expected = Table.FoldAll(session.Id, events).Select(one => Stored(one.Document)).ToList();

                var (folded, documents) = (new List<RecordedEvent>(), (IReadOnlyList<PlacedDocument>)[]);
                random.Shuffle(events);
                foreach (var batch in events.Chunk(size))
                {
                    folded.AddRange(batch);
                    var before = documents.Count == 0 ? null : Thawed(Stored(documents[0]));
                    documents = before is null || Table.NeedsAll(before, batch)
                        ? [.. Table.FoldAll(session.Id, folded).Select(one => one.Document)]
                        : [(SessionResult)Table.Fold(session.Id, before, batch)];
                }

                Assert.Equal(expected, documents.Select(Stored));
            },
            iter: 200);

    [Fact]
    public void Strangers_change_nothing_in_a_workspace() =>
        Gen.Select(AnySession.Events, Gen.Int[0, int.MaxValue]).Sample(
            (session, seed) =>
            {
                var events = Read(session, new Random(seed));
                var digest = Sender.DigestOf(Workspaces[2]);
                // Nobody who writes into the third writes into another.
                var own = events.Where(e => e.Sender.MayWrite(digest)).ToList();

                Assert.Equal(Of(own), Of(events));

                string? Of(IReadOnlyCollection<RecordedEvent> some) => Table.FoldAll(session.Id, some)
                    .Where(one => one.Workspace == Workspaces[2]).Select(one => Stored((PlacedDocument)one.Document with { Placement = null })).SingleOrDefault();
            },
            iter: 200);

    private static RecordedEvent[] Read(SessionBuilder session, Random random)
    {
        var read = CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch);
        Assert.Empty(read.Problems);
        return
        [
            .. read.Events.Select(e =>
            {
                var sender = Senders[random.Next(Senders.Length)];
                var allowed = Workspaces.Where(workspace => sender.MayWrite(Sender.DigestOf(workspace))).ToArray();
                var data = e.Data is SessionStarted started ? started with { WorkspaceId = allowed[random.Next(allowed.Length)] } : e.Data;
                return new RecordedEvent(new EventOrder(e.Time, e.Id), data, sender);
            }),
        ];
    }

    private static string Stored(PlacedDocument document) => JsonSerializer.Serialize((SessionResult)document, Json.Of<SessionResult>());

    private static SessionResult Thawed(string stored) => JsonSerializer.Deserialize(stored, Json.Of<SessionResult>())!;
}
