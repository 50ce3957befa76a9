using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Commands;

/// <summary><c>-- history …</c></summary>
public sealed class HistoryCommandTests(HistoryCommandTests.Recorded recorded) : IClassFixture<HistoryCommandTests.Recorded>
{
    [Fact]
    public async Task Each_event_is_shown_with_what_it_changed()
    {
        var (exitCode, lines, _) = await RunAsync("--session", recorded.Session.Id.ToString());

        Assert.Equal(0, exitCode);
        var headers = lines.Where(line => line.Length > 0 && char.IsAsciiDigit(line[0])).ToList();
        Assert.Equal(
            ["TaskAnswered", "SessionStarted", "SessionTranscribed", "TaskAnswered", "SessionCompleted"],
            headers.Select(line => line.Split('.')[1]));
        Assert.Matches(
            @"^1  results\.TaskAnswered\.v1  2026-03-01T10:15:00\.000Z  stored \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  /recorder/web/4\.2\.0  from account-one  " + (string)recorded.Session.Events[0]["id"]! + "$",
            headers[0]);
        Assert.Equal(
            [
                $"  ~ testId: null → \"{recorded.Session.TestId}\"",
                $"  ~ workspaceId: null → \"{TestClients.WorkspaceA}\"",
                "  ~ productType: null → \"SURVEY\"",
                "  ~ startTime: null → \"2026-03-01T10:15:00.000Z\"",
                "  ~ audienceId: null → \"5a000000-0000-4000-8000-000000000002\"",
                "  ~ testPlanId: null → \"5a000000-0000-4000-8000-000000000001\"",
            ],
            Changes(lines, 2));
        Assert.Equal(["  changes nothing that is shown"], Changes(lines, 3));
        Assert.Equal(
            [
                $"  ~ tasks[{recorded.Session.Tasks[0]}].text: \"Task 0\" → \"Task 1\"",
                $"  ~ tasks[{recorded.Session.Tasks[0]}].response.startTimeMs: 0 → 1000",
                $"  ~ tasks[{recorded.Session.Tasks[0]}].response.endTimeMs: 500 → 1500",
                $"  ~ tasks[{recorded.Session.Tasks[0]}].response.answer.nps.score: 9 → 3",
                $"  ~ tasks[{recorded.Session.Tasks[0]}].response.answer.nps.category: \"PROMOTER\" → \"DETRACTOR\"",
            ],
            Changes(lines, 4));
        Assert.Equal(["  ~ status: \"IN_PROGRESS\" → \"COMPLETE\"", "  ~ finishTime: null → \"2026-03-01T10:25:00.000Z\""], Changes(lines, 5));
    }

    [Fact]
    public async Task What_senders_wrote_moves_no_cursor_and_makes_no_line()
    {
        var (exitCode, lines, _) = await RunAsync("--session", recorded.Forged.Id.ToString());

        Assert.Equal(0, exitCode);
        Assert.Contains(lines, line => line.Contains(@"  \u001b[2J\u000a9  results.Forged.v1  ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(@"\u009B2J\u202e", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith('9') || line.Any(char.IsControl) || line.Contains('\u202e', StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_ends_at_a_version_or_a_moment()
    {
        var (_, toVersion, _) = await RunAsync("--session", recorded.Session.Id.ToString(), "--to-version", "2");
        var (_, before, _) = await RunAsync("--session", recorded.Session.Id.ToString(), "--as-of", "2020-01-01T00:00:00Z");
        var (_, after, _) = await RunAsync("--session", recorded.Session.Id.ToString(), "--as-of", "2199-01-01t00:00:00z");

        Assert.Equal(2, toVersion.Count(line => line.Contains("  results.", StringComparison.Ordinal)));
        Assert.Contains("No event of it was stored by then.", before);
        Assert.Equal(5, after.Count(line => line.Contains("  results.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Colours_are_for_terminals()
    {
        Assert.SkipWhen(!File.Exists("/usr/bin/script"), "util-linux's script(1) is not on this machine.");
        var plain = await ServiceProcess.RunAsync(["history", "--session", recorded.Session.Id.ToString()], Environment());
        var coloured = await ServiceProcess.RunOnTerminalAsync(["history", "--session", recorded.Session.Id.ToString()], Environment());

        Assert.DoesNotContain("\u001b[", plain.Output, StringComparison.Ordinal);
        Assert.Contains("\u001b[", coloured.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_session_in_two_accounts_one_has_to_be_named()
    {
        var (exitCode, _, errors) = await RunAsync("--session", recorded.Twice.Id.ToString());
        var named = await RunAsync("--session", recorded.Twice.Id.ToString(), "--account", TestClients.AccountTwo.ToString().ToUpperInvariant());

        Assert.Equal(
            (1, $"Several accounts have a session {recorded.Twice.Id}; say which with --account: {TestClients.AccountOne}, {TestClients.AccountTwo}."), (exitCode, errors.Trim()));
        Assert.Contains(named.Lines, line => line.Contains(TestClients.WorkspaceOfTwo.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--session must be the UUID of a session.")]
    [InlineData("--session must be the UUID of a session.", "--session", "x")]
    [InlineData("There is no session 5a000000-0000-4000-8000-0000000000ff.", "--session", "5a000000-0000-4000-8000-0000000000ff")]
    [InlineData("--account must be a UUID.", "--session", "5a000000-0000-4000-8000-0000000000ff", "--account", "x")]
    [InlineData("--as-of must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z.", "--session", "5a000000-0000-4000-8000-0000000000ff", "--as-of", "yesterday")]
    [InlineData("--to-version must be 1 or more.", "--session", "5a000000-0000-4000-8000-0000000000ff", "--to-version", "0")]
    public async Task What_cannot_be_shown_says_why(string expected, params string[] arguments)
    {
        var (exitCode, _, errors) = await RunAsync(arguments);

        Assert.Equal((1, expected), (exitCode, errors.Trim()));
    }

    [Fact]
    public async Task The_old_name_shows_the_same_and_says_the_new_one()
    {
        var now = await ServiceProcess.RunAsync(["history", "--session", recorded.Session.Id.ToString()], Environment());
        var old = await ServiceProcess.RunAsync(["replay", "--session", recorded.Session.Id.ToString()], Environment());

        Assert.Equal((0, now.Output, "'replay --session' is now 'history --session'; the old name goes with the next version."), (old.ExitCode, old.Output, old.Errors.Trim()));
    }

    /// <summary>The lines below an event's.</summary>
    private static IEnumerable<string> Changes(IReadOnlyList<string> lines, int version) => lines
        .SkipWhile(line => !line.StartsWith($"{version}  ", StringComparison.Ordinal)).Skip(1)
        .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal));

    private async Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> RunAsync(params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(["history", .. arguments], Environment());
        return (run.ExitCode, run.Output.Split('\n'), run.Errors);
    }

    private IEnumerable<(string Name, string Value)> Environment() =>
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", recorded.Database), (DataFolder.Variable, recorded.Data.Path), .. ServiceProcess.ToEnvironment(TestClients.Settings())];

    /// <summary>A database that these tests read, with a session of an account, and one that two accounts have.</summary>
    public sealed class Recorded : IAsyncLifetime
    {
        internal TempFolder Data { get; } = new();

        internal SessionBuilder Session { get; } = TestData.SessionOnly();

        internal SessionBuilder Twice { get; } = TestData.Session();

        internal SessionBuilder Forged { get; } = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.text", "\"\\u009b2J\\u202e\"");

        internal string Database { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            await using var host = await AppFixture.StartAsync("Production", Data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, Database)]);
            using var http = await AppFixture.ClientAsync(host);
            using var other = await AppFixture.ClientAsync(host, TestClients.OtherAccount);
            await http.RecordAsync(Session.WithAnswer(Answers.Nps(9)));
            await http.RecordAsync(Session.Started(TestClients.WorkspaceA));
            await http.RecordAsync(Session.Transcribed().WithAnswer(Answers.Nps(3), Session.Tasks[0]).Completed());
            await http.RecordAsync(Twice);
            await http.RecordAsync(Forged);
            // As it was taken before sources were looked at.
            await using var forge = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
                $$"""
                update results.mt_events set headers = headers || '{"source": "\u001b[2J\n9  results.Forged.v1"}' where stream_id = '{{Forged.Id}}'
                """);
            await forge.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await other.RecordAsync(TestData.SessionOnly(Twice.Id).Started(TestClients.WorkspaceOfTwo));
        }

        public ValueTask DisposeAsync()
        {
            Data.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
