using System.Net;
using System.Text.Json.Nodes;
using Alba;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Ingestion;

/// <summary>A long session's document is not written with each event, and nobody who reads the session can tell.</summary>
public sealed class LongSessionTests(OwnHost own) : IClassFixture<OwnHost>
{
    private const int Long = 600;

    private readonly IAlbaHost _host = own.Host;
    private readonly HttpClient _http = own.Http;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("v2", "sessionTaskResults", "taskId")]
    [InlineData("v3", "tasks", "uuid")]
    public async Task An_event_waits_for_its_place_in_the_document_until_somebody_reads(string version, string tasks, string id)
    {
        var session = await LongAsync();
        for (var i = 0; i < 3; i++)
        {
            await AnswerAsync(session);
            await AnswerAsync(session);
            Assert.Equal(2, await TailAsync(session.Id));
            var result = await _http.ResultAsync(session.Id, version);
            Assert.Equal(session.Tasks.Order(), result[tasks]!.AsArray().Select(task => (Guid)task![id]!).Order());
            Assert.Equal(0, await TailAsync(session.Id));
        }

        await CleanAsync(session);
    }

    [Fact]
    public async Task The_tail_is_at_most_an_eighth_of_what_the_document_holds()
    {
        var session = await LongAsync();
        var (tail, longest, written) = (0L, 0L, 0);
        for (var i = 0; i < Long / 4; i++)
        {
            await AnswerAsync(session);
            var now = await TailAsync(session.Id);
            Assert.True(now == tail + 1 || now == 0, $"{tail}, then {now}");
            written += now == 0 ? 1 : 0;
            (tail, longest) = (now, Math.Max(longest, now));
        }

        Assert.InRange(written, 1, 2);
        Assert.InRange(longest, (Long / 8) - 1, (Long / 8) + 2);
        await CleanAsync(session);
    }

    [Fact]
    public async Task Lists_have_what_waits_and_what_they_show_waits_for_nothing()
    {
        var session = await LongAsync();
        var since = (DateTimeOffset)(await OneAsync(session, "&status=IN_PROGRESS"))["updatedTime"]!;
        await Task.Delay(2, Cancelled);
        await AnswerAsync(session);
        Assert.Equal(1, await TailAsync(session.Id));
        var listed = await OneAsync(session, $"&status=IN_PROGRESS&updatedSince={since.AddMilliseconds(1):yyyy-MM-ddTHH:mm:ss.fffZ}");
        Assert.True((DateTimeOffset)listed["updatedTime"]! > since);

        // A task type that the session did not have, a skip, an end.
        await NoneAsync(session, "&status=IN_PROGRESS&taskType=MATRIX");
        session.WithAnswer(Answers.All["MATRIX"]());
        await SendLastAsync(session);
        await OneAsync(session, "&status=IN_PROGRESS&taskType=MATRIX");

        await AnswerAsync(session);
        await NoneAsync(session, "&status=IN_PROGRESS&taskType=SKIPPED");
        session.WithSkip("NPS");
        await SendLastAsync(session);
        await OneAsync(session, "&status=IN_PROGRESS&taskType=SKIPPED");

        await AnswerAsync(session);
        Assert.Equal(1, await TailAsync(session.Id));
        session.Completed();
        await SendLastAsync(session);
        Assert.Equal(0, await TailAsync(session.Id));
        await OneAsync(session, "");
        // Late ones wait until the totals are counted.
        await AnswerAsync(session);
        await Wait.UntilAsync(async () => await TailAsync(session.Id) == 0);
        await CleanAsync(session);
    }

    [Fact]
    public async Task What_waits_is_known_when_it_comes_again()
    {
        var session = await LongAsync();
        await AnswerAsync(session);
        var before = await TailAsync(session.Id);
        using (var again = await _http.SendAsync($"[{session.Events[^1].ToJsonString()}]"))
            Assert.Equal((0, 1), ((int)(await again.JsonAsync())["accepted"]!, (int)(await _http.RecordAsync(One(session)))["duplicates"]!));
        Assert.Equal((1, 1), (before, await TailAsync(session.Id)));

        var other = (JsonObject)session.Events[^1].DeepClone();
        other["data"]!["text"] = "Another";
        using (var conflict = await _http.SendAsync($"[{other.ToJsonString()}]"))
            Assert.Equal(HttpStatusCode.Conflict, conflict.StatusCode);
        await CleanAsync(session);
    }

    [Fact]
    public async Task Others_can_neither_read_nor_write_it_while_its_document_is_behind()
    {
        var session = await LongAsync();
        await AnswerAsync(session);
        using var other = await AppFixture.ClientAsync(_host, TestClients.OtherWorkspace);
        using (var read = await other.GetResultAsync(session.Id))
            Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        await AnswerAsync(session);
        using (var written = await other.SendAsync(TestData.SessionOnly(session.Id).WithAnswer(Answers.Nps(1))))
            Assert.Equal(HttpStatusCode.Forbidden, written.StatusCode);
        await CleanAsync(session);
    }

    [Fact]
    public async Task Verify_finds_what_is_wrong_in_a_document_that_is_behind()
    {
        var session = await LongAsync();
        await AnswerAsync(session);
        await CleanAsync(session, tail: 1);

        await ExecuteAsync($"update results.mt_doc_session_result_2 set data = data #- '{{body,tasks,7}}' where id = '{session.Id}'");
        Assert.NotEmpty(Assert.Single(await DeviationsAsync(session)).Differences);
        await ExecuteAsync($"update results.mt_doc_session_result_2 set mt_version = mt_version - 100 where id = '{session.Id}'");
        Assert.NotEmpty(Assert.Single(await DeviationsAsync(session)).Differences);

        // An end that a node of this version would not have left to wait.
        var ended = await LongAsync();
        ended.Completed();
        await SendLastAsync(ended);
        await ExecuteAsync(
            $$"""
            update results.mt_doc_session_result_2 set mt_version = mt_version - 1, status = 'InProgress', data = jsonb_set(data #- '{fold,ended}', '{body,status}', '"IN_PROGRESS"') where id = '{{ended.Id}}';
            """);
        Assert.NotEmpty(Assert.Single(await DeviationsAsync(ended)).Differences);
    }

    [Fact]
    public async Task What_a_node_of_another_version_stored_is_folded_before_anything_is_judged()
    {
        var session = await LongAsync();
        await AnswerAsync(session);
        // As such a node would: the events, the stream, and a document that is not this version's. It moves the session to a workspace that this writer has no part in.
        var moved = TestData.SessionOnly(session.Id, session.TestId).With(
            "SessionStarted", ((JsonObject)session.Events[0]["data"]!.DeepClone()).But("workspaceId", $"\"{TestClients.WorkspaceB}\""), SessionBuilder.Begin.AddDays(1));
        var started = moved.Events[0];
        await ExecuteAsync(
            $$"""
            insert into results.mt_events (seq_id, tenant_id, id, stream_id, version, type, mt_dotnet_type, data, headers, timestamp, is_archived)
            select nextval('results.mt_events_sequence'), e.tenant_id, '{{started["id"]}}', e.stream_id, s.version + 1, e.type, e.mt_dotnet_type, '{{started["data"]!.ToJsonString()}}', '{"time":"2026-03-02T10:15:00.0000000Z"}', clock_timestamp(), false
            from results.mt_events e join results.mt_streams s on s.id = e.stream_id where e.stream_id = '{{session.Id}}' and e.version = 1;
            update results.mt_streams set version = version + 1, timestamp = now() where id = '{{session.Id}}';
            """);
        using (var written = await _http.SendAsync(TestData.SessionOnly(session.Id).WithAnswer(Answers.Nps(1))))
            Assert.Equal(HttpStatusCode.Forbidden, written.StatusCode);
        using (var read = await _http.GetResultAsync(session.Id))
            Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        Assert.Empty(await DeviationsAsync(session));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_row_of_an_earlier_build_which_does_not_say_whether_it_lags_is_looked_at_once(int lag)
    {
        var session = await LongAsync();
        for (var i = 0; i < lag; i++)
            await AnswerAsync(session);
        await ExecuteAsync($"update results.mt_doc_session_result_2 set lag = null where id = '{session.Id}'");

        var result = await _http.ResultAsync(session.Id);

        Assert.Equal(session.Tasks.Order(), result["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!).Order());
        Assert.Equal((0, 0L), (await AskAsync<int>($"select lag from results.mt_doc_session_result_2 where id = '{session.Id}'"), await TailAsync(session.Id)));
        await CleanAsync(session);
    }

    [Fact]
    public async Task Readers_see_all_that_was_acknowledged_while_many_write()
    {
        var session = await LongAsync();
        var acknowledged = new System.Collections.Concurrent.ConcurrentBag<Guid>(session.Tasks);
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var some = TestData.SessionOnly(session.Id);
                for (var i = Random.Shared.Next(1, 4); i > 0; i--)
                    some.WithAnswer(Answers.Nps(i));
                await _http.RecordAsync(some);
                some.Tasks.ForEach(acknowledged.Add);
            }
        })).ToList();
        for (var reads = 0; reads < 25; reads++)
        {
            var before = acknowledged.ToList();
            var result = await _http.ResultAsync(session.Id);
            Assert.Empty(before.Except(result["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!)));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.Empty(await DeviationsAsync(session));
        var all = await _http.ResultAsync(session.Id);
        Assert.Equal(acknowledged.Order(), all["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!).Order());
    }

    [Fact]
    public async Task Whatever_comes_to_a_long_session_in_whatever_parts_is_in_it()
    {
        var session = await LongAsync();
        var transcribed = Guid.NewGuid();
        Gen<Action<SessionBuilder>> gen = Gen.OneOf(
            Gen.Int[0, 10].Select<int, Action<SessionBuilder>>(score => builder => builder.WithAnswer(Answers.Nps(score))),
            Gen.Int[0, 400].Select<int, Action<SessionBuilder>>(task => builder => builder.WithAnswer(Answers.Nps(task % 11), session.Tasks[task])),
            Gen.Int[0, 400].Select<int, Action<SessionBuilder>>(task => builder => builder.WithSkip("NPS", task: session.Tasks[task])),
            Gen.Const<Action<SessionBuilder>>(builder => builder.WithTranscript(transcribed, "Well.")),
            Gen.Int[0, 900].Select<int, Action<SessionBuilder>>(at => builder => builder.WithInteraction(transcribed, at, "NEW_STATE", [])),
            Gen.Const<Action<SessionBuilder>>(builder => builder.Scored()),
            Gen.Const<Action<SessionBuilder>>(builder => builder.Profiled()),
            Gen.Const<Action<SessionBuilder>>(builder => builder.Completed()));
        await gen.Array[1, 6].SampleAsync(
            async events =>
            {
                var part = TestData.SessionOnly(session.Id, session.TestId);
                foreach (var add in events)
                    add(part);
                await _http.RecordAsync(part);
                return (await DeviationsAsync(session)).Count == 0;
            },
            iter: 60,
            threads: 1);
    }

    private static SessionBuilder One(SessionBuilder session)
    {
        var one = TestData.SessionOnly(session.Id, session.TestId);
        one.Events.Add((JsonObject)session.Events[^1].DeepClone());
        return one;
    }

    /// <summary>A session whose document, complete, is long.</summary>
    private async Task<SessionBuilder> LongAsync()
    {
        var session = TestData.Session();
        for (var i = 0; i < Long; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        await _http.RecordAsync(session);
        Assert.Equal(0, await TailAsync(session.Id));
        Assert.True(await AskAsync<int>($"select pg_column_size(data) from results.mt_doc_session_result_2 where id = '{session.Id}'") > DeferredWrites.StoredBytes);
        return session;
    }

    private async Task AnswerAsync(SessionBuilder session)
    {
        session.WithAnswer(Answers.Nps(session.Events.Count % 11));
        await SendLastAsync(session);
    }

    private Task SendLastAsync(SessionBuilder session) => _http.RecordAsync(One(session));

    /// <summary>How many events the document does not hold.</summary>
    private Task<long> TailAsync(Guid session) => AskAsync<long>(
        $"select s.version - d.mt_version from results.mt_streams s join results.mt_doc_session_result_2 d on d.tenant_id = s.tenant_id and d.id = s.id where s.id = '{session}'");

    private async Task<JsonObject> OneAsync(SessionBuilder session, string filters) =>
        Assert.Single((await _http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}{filters}"))["sessions"]!.AsArray())!.AsObject();

    private async Task NoneAsync(SessionBuilder session, string filters) =>
        Assert.Empty((await _http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}{filters}"))["sessions"]!.AsArray());

    /// <summary>What is stored is what the events say, before and after somebody reads it.</summary>
    private async Task CleanAsync(SessionBuilder session, long? tail = null)
    {
        if (tail is not null)
            Assert.Equal(tail, await TailAsync(session.Id));
        Assert.Empty(await DeviationsAsync(session));
        if (tail is not null)
            return;

        var result = await _http.ResultAsync(session.Id);
        Assert.Equal(session.Tasks.Distinct().Order(), result["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!).Order());
        Assert.Empty(await DeviationsAsync(session));
    }

    private Task<IReadOnlyList<Deviation>> DeviationsAsync(SessionBuilder session) => new Verification(
        _host.Services.GetRequiredService<NpgsqlDataSource>(), _host.Services.GetRequiredService<DocumentTables>())
        .DeviationsAsync(SessionResultTable.Documents, [new StreamKey(TestClients.AccountOne.ToString(), session.Id)], Cancelled);

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
