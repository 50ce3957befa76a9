using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Times are moments: their offset and the case of their letters do not matter, wherever one is.</summary>
public sealed class MomentTests(AppFixture app)
{
    /// <summary>Event, member, and the same moment twice.</summary>
    public static TheoryData<string, string, string> Moments()
    {
        var rows = new TheoryData<string, string, string>();
        foreach (var member in (string[])["startedAt", "finishedAt", "abandonedAt", "abandonedAt.v2", "resumedAt"])
        {
            rows.Add(member, "2026-03-01T10:10:00+02:00", "2026-03-01T08:10:00Z");
            rows.Add(member, "2026-03-01T08:10:00Z", "2026-03-01T10:10:00.000+02:00");
            rows.Add(member, "2026-03-01T08:10:00.1234567Z", "2026-02-28t18:40:00.1234567-13:30");
            rows.Add(member, "2026-03-01t08:10:00z", "2026-03-01T08:10:00-00:00");
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task The_same_moment_in_the_data_is_a_duplicate(string member, string first, string second)
    {
        var http = await app.ClientAsync();
        var session = With(member, first);
        Assert.Equal(1, (int?)(await http.RecordAsync(session))["accepted"]);
        Assert.Equal(1, (int?)(await http.RecordAsync(session.But($"data.{Name(member)}", $"\"{second}\"")))["duplicates"]);
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task The_same_moment_twice_in_a_request_is_a_duplicate(string member, string first, string second)
    {
        var session = With(member, first).Again().But($"data.{Name(member)}", $"\"{second}\"");
        Assert.Equal(1, (int?)(await (await app.ClientAsync()).RecordAsync(session))["duplicates"]);
    }

    [Theory]
    [InlineData("startedAt")]
    [InlineData("finishedAt")]
    [InlineData("abandonedAt")]
    [InlineData("abandonedAt.v2")]
    [InlineData("resumedAt")]
    public async Task Another_moment_is_other_content(string member)
    {
        var http = await app.ClientAsync();
        var session = With(member, "2026-03-01T10:10:00+02:00");
        await http.RecordAsync(session);
        using var answer = await http.SendAsync(session.But($"data.{Name(member)}", "\"2026-03-01T08:10:00.0000001Z\""));
        Assert.Equal(["[0].id"], (await answer.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.AsObject().Select(error => error.Key));
    }

    [Fact]
    public async Task The_same_moment_and_another_member_are_other_content()
    {
        var http = await app.ClientAsync();
        var session = With("startedAt", "2026-03-01T10:10:00+02:00");
        await http.RecordAsync(session);
        using var answer = await http.SendAsync(session.But("data.startedAt", "\"2026-03-01T08:10:00Z\"").But("data.unheardOf", "1"));
        await answer.ProblemAsync(HttpStatusCode.Conflict);
    }

    /// <summary>What is stored is what was sent: the participant's offset stays with the event.</summary>
    [Fact]
    public async Task The_offset_stays_as_it_came_first()
    {
        var http = await app.ClientAsync();
        var session = With("finishedAt", "2026-03-01T10:10:00+02:00");
        await http.RecordAsync(session);
        await http.RecordAsync(session.But("data.finishedAt", "\"2026-03-01T08:10:00Z\""));
        Assert.Equal("2026-03-01T10:10:00+02:00", (string?)(await app.StoredAsync(session.Id))[0].Data["finishedAt"]);
    }

    /// <summary>However a version before this one wrote it.</summary>
    [Fact]
    public async Task What_is_stored_otherwise_is_known_again()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).Completed();
        await http.RecordAsync(session);
        await using (var command = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            """
            update results.mt_events set data = case
              when data ? 'finishedAt' then jsonb_set(data, '{finishedAt}', '"2026-03-01T12:25:00.000+02:00"')
              when data ? 'position' then jsonb_set(data, '{position}', '0.00') else data end
            where stream_id = $1
            """))
        {
            command.Parameters.Add(new() { Value = session.Id });
            Assert.Equal(3, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(3, (int?)(await http.RecordAsync(session))["duplicates"]);
    }

    [Theory]
    [InlineData("2026-03-01t10:15:00z")]
    [InlineData("2026-03-01t10:15:00.000Z")]
    [InlineData("2026-03-01T10:15:00z")]
    [InlineData("2026-03-01t12:15:00+02:00")]
    public async Task The_time_of_an_event_may_have_small_letters(string time)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);
        Assert.Equal(1, (int?)(await http.RecordAsync(session.But("time", $"\"{time}\"")))["duplicates"]);
    }

    [Theory]
    [InlineData("updatedSince", "2026-01-01t00:00:00z", 1)]
    [InlineData("updatedSince", "2199-01-01T00:00:00z", 0)]
    [InlineData("finishedSince", "2026-03-01t10:25:00.000z", 1)]
    [InlineData("finishedUntil", "2026-03-01t12:26:00%2B02:00", 1)]
    public async Task Times_of_a_query_may_have_small_letters(string name, string time, int count)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        await http.RecordAsync(session);
        var list = await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}&{name}={time}");
        Assert.Equal(count, list["sessions"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("2026-03-01 10:15:00z")]
    [InlineData("2026-03-01t10:15:00")]
    [InlineData("2026-03-01x10:15:00z")]
    [InlineData("2026-03-01t10:15:00y")]
    [InlineData("2026-03-01T10:15:00Z\\n")]
    [InlineData("2026-03-01T10:15:00\\u007aZ")]
    public async Task Other_letters_are_refused_at_their_place(string time)
    {
        var http = await app.ClientAsync();
        using var ofEvent = await http.SendAsync(TestData.Session().But("time", $"\"{time}\""));
        Assert.Equal("""{"[0].time":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""", (await ofEvent.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        using var ofData = await http.SendAsync(TestData.Session().But("data.startedAt", $"\"{time}\""));
        Assert.Equal("""{"[0].data.startedAt":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""", (await ofData.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    private static string Name(string member) => member.Split('.')[0];

    private static SessionBuilder With(string member, string time) => (member switch
    {
        "startedAt" => TestData.Session(),
        "finishedAt" => TestData.SessionOnly().Completed(),
        "abandonedAt" => TestData.SessionOnly().Abandoned(),
        "resumedAt" => TestData.SessionOnly().Resumed(),
        _ => TestData.SessionOnly().AbandonedBecause("TECHNICAL"),
    }).But($"data.{Name(member)}", $"\"{time}\"");
}
