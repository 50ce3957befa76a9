using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alba;
using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten;
using Marten.Events.Projections;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.EventStore;

/// <summary>The store is Marten's: a plain session, and nothing of ours, reads, aggregates, appends and rebuilds beside the service.</summary>
public sealed class PlainMartenTests : IAsyncLifetime
{
    private static readonly string Account = TestClients.AccountOne.ToString();

    private readonly TempFolder _data = new();
    private string _database = null!;
    private IAlbaHost _host = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, _database)]);
        _http = await AppFixture.ClientAsync(_host);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task It_aggregates_live_what_was_written_and_gets_the_stored_document()
    {
        var session = TestData.Session().Profiled().WithAnswer(Answers.Nps(9)).WithSkip("NPS").Scored().Completed();
        await _http.RecordAsync(session);
        await using var plain = _host.Services.GetRequiredService<IDocumentStore>().QuerySession(Account);

        var live = await plain.Events.AggregateStreamAsync<SessionResult>(session.Id, token: Cancelled);
        var stored = await plain.LoadAsync<SessionResult>(session.Id, Cancelled);

        Assert.Equal(Text(stored), Text(live));
        Assert.Equal(session.Events.Count, stored!.Version);
        var served = await _http.ResultAsync(session.Id);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Text(stored))!["body"], served), served.ToJsonString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(600)]
    public async Task What_it_appends_the_textbook_way_is_served_and_counted(int answers)
    {
        var session = TestData.Session();
        for (var i = 0; i < answers; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        await _http.RecordAsync(session);
        // Of the long one this write is deferred: the document lags when the plain session comes.
        session.WithAnswer(Answers.Nps(3), session.Tasks[0]);
        var again = TestData.SessionOnly(session.Id, session.TestId);
        again.Events.Add((JsonObject)session.Events[^1].DeepClone());
        await _http.RecordAsync(again);
        var task = Guid.NewGuid();

        await using (var plain = _host.Services.GetRequiredService<IDocumentStore>().LightweightSession(Account))
        {
            var stream = await plain.Events.FetchForExclusiveWriting<SessionResult>(session.Id, Cancelled);
            stream.AppendOne(new TaskAnswered { TaskId = task, Position = 9_999, Text = "Last", StartTimeMs = 1, EndTimeMs = 2, Answer = new NpsAnswer { Score = 7 } });
            stream.AppendOne(new SessionCompleted { FinishedAt = SessionBuilder.Begin.AddHours(1) });
            await plain.SaveChangesAsync(Cancelled);
        }

        var served = await _http.ResultAsync(session.Id);
        Assert.Equal(task, (Guid)served["tasks"]!.AsArray()[^1]!["uuid"]!);
        Assert.Equal(3, (int)served["tasks"]!.AsArray().Single(shown => (Guid)shown!["uuid"]! == session.Tasks[0])!["response"]!["answer"]!["nps"]!["score"]!);
        Assert.Equal("COMPLETE", (string)served["status"]!);
        Assert.Empty((await DeviationsAsync(session.Id)).SelectMany(deviation => deviation.Differences));
        await Wait.UntilAsync(async () => (int)(await _http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}"))["meta"]!["pagination"]!["totalCount"]! == 1);
        // And the service goes on with what it left.
        await _http.RecordAsync(TestData.SessionOnly(session.Id, session.TestId).WithAnswer(Answers.Nps(1)));
        Assert.Empty((await DeviationsAsync(session.Id)).SelectMany(deviation => deviation.Differences));
    }

    [Fact]
    public async Task Its_own_rebuild_makes_the_documents_that_are_stored()
    {
        for (var i = 0; i < 20; i++)
            await _http.RecordAsync(TestData.Session().Profiled().WithAnswer(Answers.Nps(i % 11)).WithSkip("NPS").Scored().Completed());
        var before = await DocumentsAsync();
        await using var store = Plain();

        using (var daemon = await store.BuildProjectionDaemonAsync())
            await daemon.RebuildProjectionAsync(nameof(SessionResult), TimeSpan.FromMinutes(2), Cancelled);

        Assert.Equal(20, before.Count);
        Assert.Equal(before, await DocumentsAsync());
    }

    [Fact]
    public async Task An_async_projection_sees_every_event_once()
    {
        var seen = new Seen();
        await using var store = Plain(options => options.Projections.Add(seen, ProjectionLifecycle.Async));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();

        var shared = TestData.Session();
        await _http.RecordAsync(shared);
        var sent = new ConcurrentBag<Guid>(Ids(shared));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 15; i++)
            {
                var part = i % 3 == 0 ? TestData.Session().WithAnswer(Answers.Nps(i % 11)) : TestData.SessionOnly(shared.Id, shared.TestId).WithAnswer(Answers.Nps(i % 11));
                await _http.RecordAsync(part);
                foreach (var id in Ids(part))
                    sent.Add(id);
            }
        })));

        await Wait.UntilAsync(() => Task.FromResult(seen.Ids.Count >= sent.Count));
        Assert.Equal(sent.Order(), seen.Ids.Order());
    }

    private static IEnumerable<Guid> Ids(SessionBuilder session) => session.Events.Select(e => Guid.Parse((string)e["id"]!));

    private static string Text(SessionResult? document) => JsonSerializer.Serialize(document, Json.Of<SessionResult>()!);

    private DocumentStore Plain(Action<StoreOptions>? more = null) => DocumentStore.For(options =>
    {
        options.Connection(_database);
        MartenSetup.Configure(options, [SessionResultTable.Documents, HighlightReelTable.Documents, TestDefinitionTable.Documents]);
        more?.Invoke(options);
    });

    private Task<IReadOnlyList<Deviation>> DeviationsAsync(Guid session) => new Verification(
        _host.Services.GetRequiredService<NpgsqlDataSource>(), _host.Services.GetRequiredService<DocumentTables>())
        .DeviationsAsync(SessionResultTable.Documents, [new StreamKey(Account, session)], Cancelled);

    /// <summary>The rows, without what Marten does not know: sizes are counted by whoever appends next.</summary>
    private async Task<List<string>> DocumentsAsync()
    {
        await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            $"select jsonb_build_object('row', to_jsonb(d) - array['mt_last_modified', 'lag', 'stream_bytes', 'document_bytes'])::text from {SessionResultTable.Name} d order by d.tenant_id, d.id");
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var documents = new List<string>();
        while (await reader.ReadAsync(Cancelled))
            documents.Add(reader.GetString(0));
        return documents;
    }

    private sealed class Seen : IProjection
    {
        public ConcurrentBag<Guid> Ids { get; } = [];

        public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
        {
            foreach (var e in events.Where(e => e.Data is StreamEvent))
                Ids.Add(e.Id);
            return Task.CompletedTask;
        }
    }
}
