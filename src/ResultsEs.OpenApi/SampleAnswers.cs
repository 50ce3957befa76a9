using System.Text;
using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Exports;
using ResultsEs.Hosting;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.Import;
using ResultsEs.Media;
using ResultsEs.Operating;
using ResultsEs.Privacy;
using ResultsEs.Search;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.OpenApi;

/// <summary>Examples of responses for the sessions of <c>docs/samples</c>, made by the service's folds without a database.</summary>
internal static class SampleAnswers
{
    private const string ThinkOutLoud = "think-out-loud";
    private const string Interaction = "interaction-test";

    private static readonly DateTimeOffset Stored = new(2026, 3, 6, 0, 0, 0, TimeSpan.Zero);

    public static IReadOnlyDictionary<string, (string Name, Func<JsonNode> Answer)[]> ByOperation { get; } =
        new Dictionary<string, (string, Func<JsonNode>)[]>(StringComparer.Ordinal)
        {
            ["listSessionResults"] = [("thinkOutLoud", SessionList)],
            ["getSessionResultV3"] = [("interactionTest", V3)],
            ["getSessionResultV2"] = [("interactionTest", V2)],
            ["listSessionEvents"] = [("thinkOutLoud", SessionEvents)],
            ["listTaskInteractions"] = [("interactionTest", Interactions)],
            ["exportSessionResultsV3"] = [("thinkOutLoud", SessionLines)],
            ["searchAnswers"] = [("thinkOutLoud", Search)],
            ["listChanges"] = [("thinkOutLoud", Changes)],
            ["streamChanges"] = [("thinkOutLoud", ChangeEvents)],
            ["getTranscript"] = [("thinkOutLoud", Transcript)],
            ["getVideoDownloadUrl"] = [("thinkOutLoud", () => Node(new VideoDownloadUrl(Url("videos", 3600), SessionId, Stored)))],
            ["listClips"] = [("thinkOutLoud", Clips)],
            ["getClip"] = [("generated", ClipGenerated), ("failed", () => ClipFileOf(RenderingStatus.Error))],
            ["listWorkspaces"] = [("samples", Workspaces)],
            ["listWorkspaceStudies"] = [("samples", Studies)],
            ["getStudy"] = [("thinkOutLoud", StudyOfTest)],
            ["listTestResults"] = [("samples", Tests)],
            ["getQxScores"] = [("interactionTest", QxScores)],
            ["listTests"] = [("interactionTest", () => Summaries.Tests())],
            ["getTestSummary"] = [("interactionTest", () => Summaries.Test())],
            ["getTaskSummary"] = [("interactionTest", () => Summaries.TaskInNumbers())],
            ["listTaskAnswers"] = [("interactionTest", () => Summaries.Answers())],
            ["listTestSessions"] = [("interactionTest", () => Summaries.Sessions())],
            ["listHighlightReels"] = [("thinkOutLoud", Reels)],
            ["getHighlightReel"] = [("generated", ReelFile)],
            ["exportTable"] = [("survey", () => JsonValue.Create(
                "session_id,workspace_id,test_id,kind,reason,version,updated_time\r\n"
                + $"{SessionId},{WorkspaceId},{TestId},upserted,,12,{MillisecondsUtcConverter.Text(Stored)}\r\n")!)],
            ["createExport"] = [("waiting", () => Node(Exported with
            {
                State = ExportState.Waiting, EndedAt = null, ExpiresAt = null, Cursor = null, Sessions = 0, TotalSessions = 0, Files = [],
            }))],
            ["getExport"] = [("done", () => Node(Exported))],
            ["eraseParticipant"] = [("thinkOutLoud", () => Node(OfParticipant))],
            ["eraseSession"] = [("thinkOutLoud", () => Node(OfParticipant with { Kind = ErasureKind.Session, Subject = SessionId }))],
            ["getErasure"] = [("thinkOutLoud", () => Node(OfParticipant))],
            ["exportParticipant"] = [("thinkOutLoud", ParticipantExport)],
            ["listClients"] = [("warehouse", () => Node(new ClientList([OfClient], NextAfter: null)))],
            ["getClient"] = [("warehouse", () => Node(OfClient))],
            ["addClient"] = [("warehouse", () => Node(new ClientWithSecret(OfClient, Secret)))],
            ["rotateClient"] =
                [("warehouse", () => Node(new ClientWithSecret(OfClient with { OldSecretUntil = Stored.AddDays(1) }, Secret)))],
            ["revokeClient"] = [("warehouse", () => Node(OfClient with { RevokedAt = Stored }))],
            ["getServiceState"] = [("twoNodes", () => Node(SampleOperations.State))],
            ["listDeadLetters"] = [("one", () => Node(new DeadLetterPage([SampleOperations.Letter], NextCursor: null)))],
            ["getDeadLetter"] = [("one", () => Node(SampleOperations.Details))],
            ["replayDeadLetter"] = [("stored", () => Node(new DeadLetterOutcome(SampleOperations.Letter.LetterId, "stored")))],
            ["discardDeadLetter"] = [("discarded", () => Node(new DeadLetterOutcome(SampleOperations.Letter.LetterId, "discarded")))],
            ["listSetAside"] = [("one", () => Node(new SetAsideList([SampleOperations.SetAside])))],
            ["retrySetAside"] = [("done", () => Node(new SetAsideRetried(
                SampleOperations.SetAside.SubjectId, [SampleOperations.SetAside.Worker])))],
            ["listErasures"] = [("thinkOutLoud", () => Node(new ErasureList([OfParticipant])))],
            ["createWebhook"] = [("completed", SampleWebhooks.WithSecret)],
            ["listWebhooks"] = [("one", SampleWebhooks.List)],
            ["getWebhook"] = [("completed", () => Node(SampleWebhooks.Webhook))],
            ["updateWebhook"] = [("completed", () => Node(SampleWebhooks.Webhook))],
            ["deleteWebhook"] = [("completed", () => Node(SampleWebhooks.Webhook))],
            ["rotateWebhookSecret"] = [("completed", SampleWebhooks.WithSecret)],
            ["listWebhookDeliveries"] = [("delivered", SampleWebhooks.Deliveries)],
            ["replayWebhook"] = [("session", SampleWebhooks.Replay)],
            ["replayWebhookDelivery"] = [("one", SampleWebhooks.Replay)],
            ["recordEvents"] = [("survey", Recorded)],
            ["recordEventLines"] = [("survey", () => Node(new PostEventLinesResponse(2, 2, 0, 0, [])))],
        };

    // Of the form of a generated secret, and the hash of nothing.
    private const string Secret = "res_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private static readonly Lazy<IReadOnlyList<IncomingEvent>> Events =
        new(() => [.. Samples.Names.SelectMany(name => Read(Samples.Read(name)))]);

    /// <summary>The export of the examples.</summary>
    public static ExportJob Exported => new()
    {
        ExportId = Guid.Parse("019cb1f2-0c5e-7a51-9d7e-2b0d8c5a1f37"),
        State = ExportState.Done,
        TestId = TestId,
        WorkspaceIds = [WorkspaceId],
        Tables = ["answers"],
        Format = "parquet",
        RequestedAt = Stored,
        EndedAt = Stored.AddSeconds(2),
        ExpiresAt = Stored.AddSeconds(2).AddDays(1),
        Cursor = "Aaw9Jr8sAAAAAAAAAAAAAAAqAAAAAAAAACo",
        Sessions = 1,
        TotalSessions = 1,
        Files =
        [
            new ExportFile(
                Guid.Parse("019cb1f2-1a00-7c11-8f3e-5b2f6a9d0c37"), "answers-00001.parquet", "answers", 6, 9_212,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "http://localhost:5080/export-files/019cb1f2-0c5e-7a51-9d7e-2b0d8c5a1f37/019cb1f2-1a00-7c11-8f3e-5b2f6a9d0c37"
                + "?expires=1772787600&signature=4n6xTzjv0yFq1dJ0u6o2V7mB8cY5r9tPZkWQeXhLsaA"),
        ],
    };

    public static JsonNode V3() => Node(Session(Interaction).Body);

    public static JsonNode V2() => JsonNode.Parse(
        SessionResultV2.Render(JsonSerializer.SerializeToUtf8Bytes(Session(Interaction), Json.Of<SessionResult>())).Span)!;

    /// <summary>The test of the examples of lists.</summary>
    public static Guid TestId => Session(ThinkOutLoud).Body.TestId!.Value;

    /// <summary>A client of the samples' workspace.</summary>
    public static ClientRecord OfClient => new()
    {
        ClientId = "6f0c9a52-2b1e-4d43-9c3e-0a4a4a1f7d20",
        Name = "Warehouse",
        Source = ClientSource.Database,
        Account = Guid.Parse("5a0c0000-0000-4000-8000-000000000001"),
        Workspaces = [Guid.Parse("5a0c0000-0000-4000-8000-00000000000a")],
        Scopes = [Scopes.StudiesRead],
        CreatedAt = Stored,
        CreatedBy = "administration",
        SecretSince = Stored,
    };

    public static JsonNode AskedClient() =>
        Node(new NewClient { Name = OfClient.Name, Workspaces = OfClient.Workspaces, Scopes = OfClient.Scopes });

    /// <summary>The workspace of the samples.</summary>
    public static Guid WorkspaceId => Session(ThinkOutLoud).Body.WorkspaceId!.Value;

    /// <summary>The test of the example of scores.</summary>
    public static Guid InteractionTestId => Session(Interaction).Body.TestId!.Value;

    /// <summary>The operations whose examples are of that test.</summary>
    public static IReadOnlySet<string> OfInteractionTest { get; } =
        new HashSet<string>(
            ["getQxScores", "getTestSummary", "getTaskSummary", "listTaskAnswers", "listTestSessions"], StringComparer.Ordinal);

    /// <summary>The examples of summaries.</summary>
    public static SampleSummaries Summaries => new(Session(Interaction), Definition(InteractionTestId), Stored);

    /// <summary>The participant of the examples of erasure.</summary>
    public static Guid ParticipantId => Session(ThinkOutLoud).Body.SessionParticipant!.ParticipantId!.Value;

    /// <summary>The example of an erasure.</summary>
    public static Erasure OfParticipant => new()
    {
        ErasureId = new Guid("0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f01"),
        Account = AccountId,
        Kind = ErasureKind.Participant,
        Subject = Masking.PseudonymOf(Tenant.Of(AccountId), ParticipantId),
        RequestedBy = "privacy-desk",
        Reason = "asked on 6 March 2026",
        RequestedAt = Stored,
        State = ErasureState.Done,
        Sessions = 1,
        SessionsMasked = 1,
        EventsMasked = 12,
    };

    /// <summary>What is held about the participant, with the first two events.</summary>
    public static JsonNode ParticipantExport() => Node(new ParticipantData(
        ParticipantId,
        AccountId,
        Stored,
        [
            new ParticipantSession(
                SessionId,
                Session(ThinkOutLoud).Body,
                [
                    .. Events.Value.Where(e => e.StreamId == SessionId).Take(2).Select(e => new ParticipantEvent(
                        e.Id, e.Type.WireType, e.Time, Stored, e.Source, JsonSerializer.SerializeToElement(e.Data, e.Type.JsonType))),
                ]),
        ],
        []));

    private static Guid AccountId => new("5a000000-0000-4000-8000-00000000000a");

    /// <summary>The session of the examples that are parts of a session.</summary>
    public static Guid SessionId => Samples.SessionOf(ThinkOutLoud);

    public static JsonNode SessionList() => Node(new SessionResultsPage(
        TestId,
        [Summary(Session(ThinkOutLoud))],
        SessionListMeta.Of(new Paging(Paging.DefaultLimit, 0, null), totalCount: 1, nextCursor: null, Stored)));

    /// <summary>The sessions of the list, one line each.</summary>
    public static JsonNode SessionLines() =>
        JsonValue.Create(Encoding.UTF8.GetString(ExportLine.Of(
            Stored, JsonSerializer.SerializeToUtf8Bytes(Session(ThinkOutLoud).Body, Json.Of<SessionBody>()))));

    public static JsonNode Changes() => Node(new ChangesPage(
        [ChangeItem.Of(Changed), ChangeItem.Of(Changed with
        {
            SessionId = Session(Interaction).Id,
            TestId = InteractionTestId,
            Kind = ChangeKind.Removed,
            Reason = RemovalReason.Moved,
            Status = null,
        })],
        new ChangeCursor(2).Write(Tenant.Of(AccountId)), IsAtEnd: true));

    public static JsonNode ChangeEvents() => JsonValue.Create(
        $"id: {new ChangeCursor(1).Write(Tenant.Of(AccountId))}\nevent: upserted\n"
        + $"data: {Node(ChangeItem.Of(Changed)).ToJsonString()}\n\n");

    private static SessionChange Changed => new(
        SessionId, WorkspaceId, TestId, ChangeKind.Upserted, Reason: null, Version: 9, Stored, Position: 1)
    {
        Status = Session(ThinkOutLoud).Body.Status,
    };

    /// <summary>The first two events of the session.</summary>
    public static JsonNode SessionEvents()
    {
        var events = Events.Value.Where(e => e.StreamId == SessionId).ToList();
        return Node(new SessionEventsPage(
            SessionId,
            [
                .. events.Take(2).Select((e, i) => RecordedCloudEvent.Of(SessionId, new AppendedEvent(
                    i + 1, e.Id, e.Type.WireType, e.Time, Stored, e.Source, e.TraceParent, e.Type.Write(e.Data)))),
            ],
            new SessionEventsMeta(events.Count, NextAfter: 2)));
    }

    /// <summary>The first two interactions of the Figma task.</summary>
    public static JsonNode Interactions()
    {
        var task = Session(Interaction).Body.Tasks.First(task => task.Response?.Answer?.Key == Figma.TaskType.V3Key);
        var all = task.Response!.Answer!.Payload.GetProperty("interactions").EnumerateArray().ToList();
        return Node(new TaskInteractionsPage(task.Uuid, [.. all.Take(2)], FirstPage(all.Count)));
    }

    public static JsonNode Search()
    {
        var said = Events.Value.Where(e => e.StreamId == SessionId).Select(e => e.Data).OfType<SessionTranscribed>().Single().Cues[1];
        var word = said.Text.Split(' ')[0];
        return Node(new AnswersPage(
            [
                new AnswerHit(
                    SessionId, TestId, WorkspaceId, TaskId: null, SearchKind.Transcript, Stored, said.StartMs,
                    new Excerpt(said.Text, [new ExcerptMark(0, word.Length)])),
            ],
            new AnswersMeta(Paging.DefaultLimit, NextCursor: null, Stored)));
    }

    public static JsonNode Transcript() => JsonValue.Create(
        WebVtt.Write(Events.Value.Where(e => e.StreamId == SessionId).Select(e => e.Data).OfType<SessionTranscribed>().Single().Cues));

    public static JsonNode Clips() => JsonSerializer.SerializeToNode(
        ClipsOfSession.Of(TestId, Session(ThinkOutLoud).Fold.Media!), Json.Shown<ClipsOfSession>())!;

    public static JsonNode ClipGenerated() => ClipFileOf(RenderingStatus.Generated);

    public static JsonNode Reels()
    {
        var clips = Session(ThinkOutLoud).Fold.Media!.Shown().Select(clip => clip.Id).ToList();
        return Node(new HighlightReelsOfTest([HighlightReelOfTest.Of(Reel(), clips)], StudyWithClips: true, Meta: null));
    }

    public static JsonNode ReelFile() => Node(new HighlightReelFile(Reel().Id, RenderingStatus.Generated, Url("reels", 900)));

    public static JsonNode QxScores() =>
        Node(QxScoresOfTest.Of(InteractionTestId, TestTotal.None.With(Part(Session(Interaction)))));

    public static JsonNode Tests()
    {
        var tests = Samples.Names.Select(Session).GroupBy(session => session.Body.TestId!.Value).OrderBy(test => test.Key).Select(test =>
        {
            var total = test.Aggregate(TestTotal.None, (sum, session) => sum.With(Part(session)));
            var sessions = SessionsByStatus.Of(total.InProgress, total.Complete, total.Abandoned);
            return new TestResult(
                test.Key, WorkspaceId, Definition(test.Key)?.Title, test.First().Body.ProductType, sessions);
        }).ToList();
        return Node(new TestResultsPage(tests, FirstPage(tests.Count)));
    }

    public static JsonNode Workspaces() =>
        Node<IReadOnlyList<Workspace>>([new Workspace(WorkspaceId, WorkspaceId, WorkspaceId.ToString())]);

    public static JsonNode Studies() => Node<IReadOnlyList<WorkspaceStudy>>(
    [
        .. Samples.Names.Select(Session).GroupBy(session => session.Body.TestId!.Value)
            .Select(test =>
            {
                var (definition, first) = (Definition(test.Key), test.MinBy(session => session.Body.StartTime)!.Body);
                return WorkspaceStudy.Of(
                    WorkspaceId, test.Key, definition?.OrderedAt ?? first.StartTime!.Value, definition?.Title, first.ProductType,
                    definition?.OrderedBy);
            })
            .OrderByDescending(test => test.OrderedAt),
    ]);

    public static JsonNode StudyOfTest() => Node(Study.Of(
        TestId, Definition(TestId), sessions: 1, TestTotal.None.With(Part(Session(ThinkOutLoud))).Nps));

    /// <summary>The first two events of a sample, as sent.</summary>
    public static JsonNode Batch() => new JsonArray(
        [.. JsonNode.Parse(Samples.Read(Samples.First))!.AsArray().Take(2).Select(e => e!.DeepClone())]);

    /// <summary>The same events, one a line.</summary>
    public static JsonNode BatchLines() => JsonValue.Create(string.Concat(Batch().AsArray().Select(e => e!.ToJsonString() + "\n")));

    public static JsonNode Recorded() => Node(
        new PostEventsResponse(2, 0, 1, [.. Read(Samples.Read(Samples.First)).Take(2).Select(e => new EventOutcome(e.Id, "appended"))]));

    private static SessionResult Session(string name)
    {
        var id = Samples.SessionOf(name);
        return SessionResultFold.Fold(id, null, Recorded(id));
    }

    private static HighlightReel Reel()
    {
        var id = Events.Value.First(e => e.Type.StreamType == HighlightReel.Alias).StreamId;
        return HighlightReelFold.Fold(id, null, Recorded(id));
    }

    private static TestDefinition? Definition(Guid test) =>
        Recorded(test).ToList() is { Count: > 0 } events ? TestDefinitionFold.Fold(test, null, events) : null;

    private static IEnumerable<RecordedEvent> Recorded(Guid stream) =>
        Events.Value.Where(e => e.StreamId == stream).Select(e => new RecordedEvent(new EventOrder(e.Time, e.Id), e.Data));

    private static JsonNode ClipFileOf(RenderingStatus status)
    {
        var clips = Session(ThinkOutLoud).Fold.Media!.Shown();
        var clip = clips.Single(clip => Rendering.Of(clip.Cut!.Stamp, clip.Rendering).Status == status);
        return Node(new ClipFile(clip.Id, status, status == RenderingStatus.Generated ? Url("clips", 900) : null));
    }

    private static SessionSummary Summary(SessionResult session) => new()
    {
        SessionId = session.Id,
        AudienceId = session.Body.AudienceId,
        Status = session.Body.Status,
        StartTime = session.Body.StartTime!.Value,
        FinishTime = session.Body.FinishTime,
        UpdatedTime = Stored,
    };

    private static SessionPart Part(SessionResult session) => CountedSession.Of(session)!.Part;

    private static IReadOnlyList<IncomingEvent> Read(string batch) =>
        CloudEventReader.Read(Encoding.UTF8.GetBytes(batch), CloudEventShapes.Batch).Events;

    private static string Url(string folder, int seconds) =>
        $"https://objects.results.example/results/…/{folder}/….mp4?X-Amz-Expires={seconds}&…";

    private static ListMeta FirstPage(int totalCount) =>
        ListMeta.Of(new Paging(Paging.DefaultLimit, 0, null), totalCount, nextCursor: null);

    private static JsonNode Node<T>(T value) => JsonSerializer.SerializeToNode(value, Json.Of<T>())!;
}
