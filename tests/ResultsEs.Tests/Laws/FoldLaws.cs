using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Tests.Laws;

/// <summary>events.md, rule 3, of the fold alone: the same set of events makes the same document.</summary>
public sealed class FoldLaws
{
    [Fact]
    public void Any_order_and_any_batches_make_the_document_of_the_sorted_list_in_one_batch() =>
        Gen.Select(AnySession.Events, Gen.Int[1, 9], Gen.Int[0, int.MaxValue]).Sample(
            (session, size, seed) =>
            {
                var sorted = session.Events.OrderBy(e => (string?)e["time"], StringComparer.Ordinal).ToArray();
                var shuffled = session.Events.ToArray();
                new Random(seed).Shuffle(shuffled);

                var expected = Stored(Fold(session.Id, null, sorted));
                var actual = shuffled.Chunk(size).Aggregate((SessionResult?)null, (document, batch) => Thawed(Stored(Fold(session.Id, document, batch))));

                Assert.True(JsonElement.DeepEquals(expected, Stored(actual!)), $"expected {expected}\nactual   {Stored(actual!)}");
            },
            iter: 300);

    [Fact]
    public void A_document_is_the_same_after_it_was_stored_and_read() => AnySession.Events.Sample(
        session =>
        {
            var document = Stored(Fold(session.Id, null, session.Events));
            Assert.True(JsonElement.DeepEquals(document, Stored(Thawed(document))));
        },
        iter: 100);

    [Fact]
    public void V2_says_of_a_stored_document_what_its_records_say() => AnySession.Events.Sample(
        session =>
        {
            var document = Fold(session.Id, null, session.Events);
            using var v2 = JsonDocument.Parse(SessionResultV2.Render(JsonSerializer.SerializeToUtf8Bytes(document, Json.Of<SessionResult>())));

            var expected = V2(document);

            Assert.True(JsonElement.DeepEquals(expected, v2.RootElement), $"expected {expected}\nactual   {v2.RootElement}");
            Assert.Equal(v2.RootElement.GetRawText(), JsonSerializer.Serialize(v2.RootElement.Deserialize(Json.Of<SessionResultV2>())!, Json.Of<SessionResultV2>()));
        },
        iter: 300);

    [Fact]
    public void No_document_outgrows_its_bounds()
    {
        var session = TestData.Session().WithAnswer(Answers.Figma());
        for (var i = 0; i < 3_000; i++)
            session.WithInteraction(session.Tasks[0], i, "PRESENTED_NODE_CHANGED", new() { ["presentedNodeId"] = $"1:{i}" });

        var figma = Stored(Fold(session.Id, null, session.Events)).GetProperty("body").GetProperty("tasks")[0].GetProperty("response").GetProperty("answer").GetProperty("figma");

        Assert.Equal(3_000, figma.GetProperty("interactionCount").GetInt32());
        Assert.Equal(Enumerable.Range(0, 200), figma.GetProperty("interactions").EnumerateArray().Select(i => i.GetProperty("atMs").GetInt32()));
        Assert.Equal(Enumerable.Range(0, 1_000), figma.GetProperty("path").EnumerateArray().Select(i => i.GetProperty("atMs").GetInt32()));
        Assert.Equal("1:2999", figma.GetProperty("endNodeId").GetString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void More_interactions_than_are_kept_make_the_same_document_in_any_order(int seed)
    {
        var session = TestData.SessionOnly();
        var (task, random) = (Guid.NewGuid(), new Random(seed));
        foreach (var minutes in new[] { 10, 20 })
            session.WithAnswer(Answers.Figma(), task, time: SessionBuilder.Begin.AddMinutes(minutes));
        for (var i = 0; i < 2_600; i++)
        {
            session.WithInteraction(task, random.Next(100_000), i % 2 == 0 ? "PRESENTED_NODE_CHANGED" : "MOUSE_PRESS_OR_RELEASE", new() { ["presentedNodeId"] = $"1:{i}", ["handled"] = i % 3 == 0 });
            session.Events[^1]["time"] = SessionBuilder.Begin.AddSeconds(random.Next(1_500)).ToString("O");
        }

        var expected = Stored(Fold(session.Id, null, session.Events));
        var shuffled = session.Events.ToArray();
        random.Shuffle(shuffled);
        var actual = Stored(shuffled.Chunk(400).Aggregate((SessionResult?)null, (document, batch) => Thawed(Stored(Fold(session.Id, document, batch))))!);

        Assert.True(JsonElement.DeepEquals(expected, actual));
        var figma = expected.GetProperty("body").GetProperty("tasks")[0].GetProperty("response").GetProperty("answer").GetProperty("figma");
        Assert.Equal((200, true), (figma.GetProperty("interactions").GetArrayLength(), figma.GetProperty("interactionCount").GetInt32() < 2_600));
        Assert.InRange(expected.GetRawText().Length, 1, 1_000_000);
    }

    private static JsonElement V2(SessionResult document)
    {
        var body = JsonSerializer.SerializeToNode(document.Body, Json.Of<SessionBody>())!.AsObject();
        body.Remove("tasks");
        body.Remove("taskGroups");
        body["sessionTaskResults"] = new JsonArray([.. document.Body.Tasks.Select(task =>
        {
            var fold = document.Fold.Tasks.Single(fold => fold.Id == task.Uuid);
            var isKnown = TaskType.Find(fold.Type!) is not null;
            return JsonSerializer.SerializeToNode(
                new SessionTaskResult
                {
                    TaskId = task.Uuid,
                    TaskType = fold.Reason is not null ? "SKIPPED" : isKnown ? fold.Type! : "UNRECOGNIZED",
                    TaskResponse = fold.Reason is { } reason ? JsonSerializer.SerializeToElement(new SkipPayload(reason, fold.Type!), Json.Of<SkipPayload>()) : isKnown ? task.Response?.Answer?.Payload : null,
                    Text = task.Text,
                    Position = fold.Position,
                    StartTimeMs = task.Response!.StartTimeMs,
                    EndTimeMs = task.Response.EndTimeMs,
                },
                Json.Of<SessionTaskResult>());
        })]);
        return JsonSerializer.SerializeToElement(body);
    }

    private static SessionResult Fold(Guid sessionId, SessionResult? before, IEnumerable<JsonObject> events) =>
        SessionResultFold.Fold(sessionId, before, Read(events).Select(e => new RecordedEvent(new EventOrder(e.Time, e.Id), e.Data)));

    private static List<IncomingEvent> Read(IEnumerable<JsonObject> events) =>
    [
        .. events.Select(e => e.ToJsonString()).Chunk(CloudEventReader.MaxEvents).SelectMany(chunk =>
        {
            var read = CloudEventReader.Read(Encoding.UTF8.GetBytes($"[{string.Join(',', chunk)}]"), CloudEventShapes.Batch);
            Assert.Empty(read.Problems);
            return read.Events;
        }),
    ];

    private static JsonElement Stored(SessionResult document) => JsonSerializer.SerializeToElement(document, Json.Of<SessionResult>());

    private static SessionResult Thawed(JsonElement stored) => stored.Deserialize(Json.Of<SessionResult>())!;
}
