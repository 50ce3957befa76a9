using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Laws;
using ResultsEs.Tests.Privacy;

namespace ResultsEs.Tests.Sessions;

/// <summary>A session's result as it was, by version and by the moment of storing.</summary>
public sealed class HistoryTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_version_is_what_was_served_after_so_many_events_were_stored()
    {
        using var http = await app.ClientAsync();
        await Gen.Select(AnySession.Events, Gen.Int[1, 9]).SampleAsync(IsServedAsync, iter: 4, threads: 1);

        async Task IsServedAsync(SessionBuilder any, int size)
        {
            // An id of its own for each event: what is made here is stored in one account.
            var session = TestData.SessionOnly();
            var ids = any.Events.ToDictionary(e => (string)e["id"]!, _ => Guid.NewGuid().ToString(), StringComparer.Ordinal);
            foreach (var e in any.Events)
            {
                (e["id"], e["subject"]) = (ids[(string)e["id"]!], session.Id.ToString());
                foreach (var name in new[] { "corrects", "answerId" })
                {
                    if ((string?)e["data"]![name] is { } named)
                        e["data"]![name] = ids[named];
                }

                session.Events.Add(e);
            }

            var served = new Dictionary<int, string>();
            foreach (var batch in session.Events.Chunk(size))
            {
                using var sent = await http.SendAsync(new JsonArray([.. batch.Select(e => e.DeepClone())]).ToJsonString());
                Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
                served[served.Keys.DefaultIfEmpty().Max() + batch.Length] = await TextAsync(http, session.Id, "");
            }

            foreach (var (version, text) in served)
                Assert.Equal((version, text), (version, await TextAsync(http, session.Id, $"?version={version}")));
            Assert.Equal(served[session.Events.Count], await TextAsync(http, session.Id, $"?asOf={Uri.EscapeDataString(DateTimeOffset.UtcNow.AddHours(1).ToString("O"))}"));
        }
    }

    [Fact]
    public async Task A_moment_is_one_of_storing_in_the_milliseconds_that_answers_show()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Written("first"));
        await http.RecordAsync(session);
        var first = await TextAsync(http, session.Id, "");
        var changed = await UpdatedAsync(http, session);
        await StoredAtAsync(session.Id, 2, changed);
        // It happened before the other one, and was stored after it.
        var late = TestData.SessionOnly(session.Id).WithAnswer(Answers.Written("late"), time: SessionBuilder.Begin.AddDays(-1));
        await http.RecordAsync(late);
        await StoredAtAsync(session.Id, 3, changed.AddMilliseconds(2.5));

        Assert.Equal(first, await TextAsync(http, session.Id, $"?asOf={Text(changed)}"));
        Assert.Equal(first, await TextAsync(http, session.Id, $"?asOf={Text(changed.AddMilliseconds(1))}"));
        Assert.Equal(await TextAsync(http, session.Id, ""), await TextAsync(http, session.Id, $"?asOf={Text(changed.AddMilliseconds(2))}"));
        using var answer = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?asOf={Text(changed)}");
        Assert.Equal("2", Assert.Single(answer.Headers.GetValues("x-session-version")));
        using var before = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?asOf={Text(changed.AddDays(-1))}");
        Assert.Equal(
            "The session's start was not stored by then, or it was not in a workspace of this client.",
            (string?)(await before.ProblemAsync(HttpStatusCode.NotFound))["detail"]);
    }

    /// <summary>
    /// As many events as a session may have, of as many bytes. What is asked of it is answered page by page, and counts against the part
    /// of its client by the bytes of its events.
    /// </summary>
    [Fact]
    public async Task The_past_of_the_largest_session_is_read()
    {
        const int Events = 50_000;
        using var http = await app.ClientAsync(TestClients.BothWorkspaces);
        var session = TestData.Session().WithAnswer(Answers.Figma());
        session.WithInteraction(session.Tasks[0], 1, "NEW_STATE", new JsonObject { ["stateMappings"] = new JsonObject { ["1:9"] = new JsonArray(new string('x', 500)) } });
        await http.RecordAsync(session);
        // Copies of the last event, as if they had been sent.
        await using (var copies = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            $"""
            insert into results.mt_events select (jsonb_populate_record(e, jsonb_build_object(
              'seq_id', nextval('results.mt_events_sequence'), 'id', gen_random_uuid(), 'version', n, 'data', e.data || jsonb_build_object('atMs', n)))).*
            from results.mt_events e cross join generate_series(4, {Events}) n where e.stream_id = '{session.Id}' and e.version = 3;
            update results.mt_streams set version = {Events} where id = '{session.Id}';
            """))
            await copies.ExecuteNonQueryAsync(Cancelled);
        await app.Host.Services.GetRequiredService<DocumentRefresh>().RefreshAsync(
            SessionResultTable.Documents, [new StreamKey(TestClients.AccountOne.ToString(), session.Id)], Cancelled);

        Assert.Equal(await TextAsync(http, session.Id, ""), await TextAsync(http, session.Id, $"?version={Events}"));
        var figma = (await http.JsonAsync($"/api/v3/sessionResults/{session.Id}?version=25000"))["tasks"]![0]!["response"]!["answer"]!["figma"]!;
        Assert.Equal(25_000 - 2, (int)figma["interactionCount"]!);
        var events = (await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events?after=49000&limit=500"))["events"]!.AsArray();
        Assert.Equal(Enumerable.Range(49_001, 500), events.Select(e => (int)e!["sessionversion"]!));
        var interactions = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/tasks/{session.Tasks[0]}/interactions?limit=500&offset=10000");
        Assert.Equal((Events - 2, 500), ((int)interactions["meta"]!["pagination"]!["totalCount"]!, interactions["interactions"]!.AsArray().Count));

        // Three of it are more than the part of a client.
        var bytes = await app.Host.Services.GetRequiredService<NpgsqlDataSource>()
            .CreateCommand($"select stream_bytes from {SessionResultTable.Name} where id = '{session.Id}'").ReadValueAsync<long>([], Cancelled);
        Assert.InRange(bytes, 22 * 1024 * 1024, 33 * 1024 * 1024);
        var shares = app.Host.Services.GetRequiredService<ClientShares>();
        var caller = new Caller(TestClients.AccountOne, [TestClients.WorkspaceA], TestClients.BothWorkspaces, []);
        Assert.Null(shares.History.Take(caller, 2 * bytes));
        using var refused = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?version={Events}");
        shares.History.Return(caller, 2 * bytes);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
    }

    [Theory]
    [InlineData("version=1&asOf=2026-03-01T10:15:00Z", "version", "must not be there with asOf")]
    [InlineData("version=0", "version", "must be a whole number from 1 to 2147483647")]
    [InlineData("version=-1", "version", "must be a whole number from 1 to 2147483647")]
    [InlineData("version=", "version", "must be a whole number from 1 to 2147483647")]
    [InlineData("version=last", "version", "must be a whole number from 1 to 2147483647")]
    [InlineData("version=1&version=2", "version", "must be there once")]
    [InlineData("asOf=yesterday", "asOf", "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z")]
    [InlineData("asOf=", "asOf", "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z")]
    [InlineData("asOf[]=2026-03-01T10:15:00Z", "asOf[]", "is not a parameter; write asOf=")]
    public async Task A_malformed_place_is_400(string query, string parameter, string message)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);
        using var answer = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?{query}");
        Assert.Equal(message, (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]![parameter]![0]);
    }

    [Fact]
    public async Task A_version_beyond_the_last_is_404_that_names_it_and_one_before_the_start_says_so()
    {
        using var http = await app.ClientAsync();
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9)).Started(TestClients.WorkspaceA);
        await http.RecordAsync(session);

        using var beyond = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?version=3");
        using var unstarted = await http.ReadAsync($"/api/v3/sessionResults/{session.Id}?version=1");
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri($"/api/v3/sessionResults/{session.Id}?version=2", UriKind.Relative)), Cancelled);
        // v2 has no such parameters, and lets them pass as it does all others.
        using var v2 = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}?version=3");

        Assert.Equal("The session has no version 3: its last is 2.", (string?)(await beyond.ProblemAsync(HttpStatusCode.NotFound))["detail"]);
        Assert.StartsWith("The session's start was not stored by then", (string?)(await unstarted.ProblemAsync(HttpStatusCode.NotFound))["detail"], StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, ""), (head.StatusCode, await head.Content.ReadAsStringAsync(Cancelled)));
        Assert.Equal(HttpStatusCode.OK, v2.StatusCode);
    }

    [Fact]
    public async Task A_session_that_moved_shows_its_past_to_those_alone_who_could_see_it()
    {
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var inA = await app.ClientAsync();
        using var inB = await app.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session().WithAnswer(Answers.Written("while in A"));
        await both.RecordAsync(session);
        var inItsFirstPlace = await TextAsync(both, session.Id, "");
        await both.RecordAsync(new SessionBuilder { Id = session.Id, TestId = session.TestId }.With(
            "SessionStarted", (JsonObject)session.Events[0]["data"]!.DeepClone().AsObject().But("workspaceId", $"\"{TestClients.WorkspaceB}\""), SessionBuilder.Begin.AddHours(1)));

        Assert.Equal(inItsFirstPlace, await TextAsync(both, session.Id, "?version=2"));
        Assert.Equal(await TextAsync(both, session.Id, ""), await TextAsync(inB, session.Id, "?version=3"));
        using var past = await inB.ReadAsync($"/api/v3/sessionResults/{session.Id}?version=2");
        Assert.StartsWith("The session's start was not stored by then", (string?)(await past.ProblemAsync(HttpStatusCode.NotFound))["detail"], StringComparison.Ordinal);
        foreach (var query in new[] { "?version=1", "?version=2", "?version=3", "?version=4", "?asOf=2026-03-01T10:15:00Z" })
        {
            using var left = await inA.ReadAsync($"/api/v3/sessionResults/{session.Id}{query}");
            Assert.Equal("There is nothing here for this caller.", (string?)(await left.ProblemAsync(HttpStatusCode.NotFound))["detail"]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_erased_comes_back_through_no_version_event_or_interaction(bool byParticipant)
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        var (participant, prefix) = (Guid.NewGuid(), Markers.New());
        var session = TestData.SessionWithEverything();
        session.Events.Single(e => (string)e["type"]! == "results.ParticipantProfiled.v1").But("data.participantId", $"\"{participant}\"");
        session.Plant(prefix);
        await http.RecordAsync(session);
        Assert.Contains(prefix, await AllAsync(), StringComparison.Ordinal);

        using var erased = await http.DeleteAsync(new Uri(byParticipant ? $"/api/v2/participants/{participant}" : $"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        Assert.InRange((int)erased.StatusCode, 200, 202);

        var after = await AllAsync();
        Assert.DoesNotContain(prefix, after, StringComparison.Ordinal);
        if (byParticipant)
            Assert.DoesNotContain(participant.ToString(), after, StringComparison.Ordinal);
        Assert.Equal(await TextAsync(http, session.Id, ""), await TextAsync(http, session.Id, $"?version={session.Events.Count}"));

        async Task<string> AllAsync()
        {
            var all = new StringBuilder();
            for (var version = 1; version <= session.Events.Count; version++)
                all.Append(await TextAsync(http, session.Id, $"?version={version}"));
            all.Append(await TextAsync(http, session.Id, $"?asOf={DateTime.UtcNow.AddDays(1):O}"));
            all.Append(await TextAsync(http, session.Id, "/events?limit=500"));
            all.Append(await TextAsync(http, session.Id, $"/tasks/{session.Tasks[^2]}/interactions"));
            return all.ToString();
        }
    }

    internal static async Task<string> TextAsync(HttpClient http, Guid session, string rest)
    {
        using var answer = await http.ReadAsync($"/api/v3/sessionResults/{session}{rest}");
        var text = await answer.Content.ReadAsStringAsync(Cancelled);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{rest}: {(int)answer.StatusCode} {text}");
        return text;
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static async Task<DateTimeOffset> UpdatedAsync(HttpClient http, SessionBuilder session)
    {
        var list = await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}&status=IN_PROGRESS");
        return (DateTimeOffset)list["sessions"]![0]!["updatedTime"]!;
    }

    /// <summary>Makes an event as if it had been stored then, and those before it no later.</summary>
    private async Task StoredAtAsync(Guid session, int version, DateTimeOffset at)
    {
        await using var command = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            "update results.mt_events set timestamp = $3 where stream_id = $1 and version = $2 or stream_id = $1 and version < $2 and timestamp > $3");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = at.UtcDateTime });
        Assert.NotEqual(0, await command.ExecuteNonQueryAsync(Cancelled));
    }
}
