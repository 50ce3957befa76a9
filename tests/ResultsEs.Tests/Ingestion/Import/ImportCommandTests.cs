using System.Globalization;
using System.IO.Compression;
using System.Text;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion.Import;

/// <summary>The import command as operators run it: a process of its own on a real database, while a service serves.</summary>
public sealed class ImportCommandTests : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private string _connectionString = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _connectionString = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync()
    {
        _data.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("events.ndjson")]
    [InlineData("events.ndjson.gz")]
    [InlineData("zipped-under-another-name")]
    public async Task A_file_is_imported_into_an_empty_database_and_again_without_effect(string name)
    {
        var session = TestData.SessionWithEverything();
        var file = await WriteAsync(name, PostEventLinesTests.LinesOf(session), zip: !name.EndsWith("ndjson", StringComparison.Ordinal));
        var count = session.Events.Count.ToString(CultureInfo.InvariantCulture);

        var first = await RunAsync("import", file, "--client", TestClients.Reader);
        Assert.True(first.ExitCode == 0, first.Output + first.Errors);
        Assert.Contains($"{count} lines: {count} accepted, 0 duplicates, 0 refused; ", first.Output, StringComparison.Ordinal);

        var second = await RunAsync("import", file, "--client", TestClients.Reader);
        Assert.Equal(0, second.ExitCode);
        Assert.Contains($"{count} lines: 0 accepted, {count} duplicates, 0 refused; ", second.Output, StringComparison.Ordinal);

        await using var host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, _connectionString)]);
        using var http = DescribedAnswers.Of(host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        Assert.Equal("COMPLETE", (string?)(await http.ResultAsync(session.Id))["status"]);
        Assert.Equal(session.Events.Count, (await host.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task Refused_lines_are_reported_and_the_exit_code_says_so()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.answer.score", "11");
        var file = await WriteAsync("events.ndjson", PostEventLinesTests.LinesOf(session) + "\n\n{");
        var run = await RunAsync("import", file, "--client", TestClients.Reader);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("3 lines: 1 accepted, 0 duplicates, 2 refused; ", run.Output, StringComparison.Ordinal);
        Assert.Contains($"line 2: id {(string)session.Events[1]["id"]!}: data.answer.score must be a whole number from 0 to 10, not 11", run.Errors, StringComparison.Ordinal);
        Assert.Contains("line 4: $ must be JSON", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_terminal_there_is_a_bar_with_rate_and_remaining_time()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script") && OperatingSystem.IsLinux(), "There is no script(1) of util-linux here.");
        var file = await WriteAsync("events.ndjson", string.Join('\n', Enumerable.Range(0, 2_000).Select(_ => PostEventLinesTests.LinesOf(TestData.Session()))));
        var run = await ServiceProcess.RunOnTerminalAsync(["import", file, "--client", TestClients.Reader], Environment());
        Assert.True(run.ExitCode == 0, run.Output);
        Assert.Matches(@"━.*[0-9]+%.*[0-9-]+:[0-9-]+:[0-9-]+.*[0-9]+ lines, 0 refused, [0-9]+ lines/s", run.Output);
        Assert.Contains("2000 lines: 2000 accepted, 0 duplicates, 0 refused; ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_goes_on_from_a_line()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).Completed();
        var file = await WriteAsync("events.ndjson", PostEventLinesTests.LinesOf(session));
        var run = await RunAsync("import", file, "--client", TestClients.Reader, "--from-line", "3");
        Assert.Contains("1 lines: 1 accepted, 0 duplicates, 0 refused; ", run.Output, StringComparison.Ordinal);
        Assert.Equal([Guid.Parse((string)session.Events[2]["id"]!)], await StoredAsync());
    }

    [Fact]
    public async Task A_pipe_is_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no /dev/stdin.");
        var file = await WriteAsync("events.ndjson", PostEventLinesTests.LinesOf(TestData.Session()));
        using var zipped = new TempFolder();
        var fifo = Path.Combine(zipped.Path, "fifo");
        Assert.Equal(0, (await Command.RunAsync("mkfifo", [fifo], "/", account: null, Cancelled)).ExitCode);
        var feeding = Command.RunAsync("/bin/sh", ["-c", $"cat '{file}' > '{fifo}'"], "/", account: null, Cancelled);
        var run = await RunAsync("import", fifo, "--client", TestClients.Reader);
        await feeding;
        Assert.True(run.Output.Contains("1 lines: 1 accepted, 0 duplicates, 0 refused; ", StringComparison.Ordinal), run.Output + run.Errors);
    }

    [Theory]
    [InlineData("Could not find file", "no-such-file", "--client", TestClients.Reader)]
    [InlineData("There is no client 'nobody'; configured are account-one, ", "events.ndjson", "--client", "nobody")]
    [InlineData("Name the client to import as with --client; configured are account-one, ", "events.ndjson")]
    [InlineData("--from-line must be 1 or more.", "events.ndjson", "--client", TestClients.Reader, "--from-line", "0")]
    public async Task What_cannot_begin_says_why(string problem, params string[] arguments)
    {
        await WriteAsync("events.ndjson", "");
        var run = await RunAsync(["import", Path.Combine(_data.Path, arguments[0]), .. arguments[1..]]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(problem, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_breaks_off_says_how_far_it_came()
    {
        var sessions = string.Join('\n', Enumerable.Range(0, 5_000).Select(_ => PostEventLinesTests.LinesOf(TestData.Session())));
        var file = await WriteAsync("events.gz", sessions, zip: true);
        await using (var cut = File.Open(file, FileMode.Open))
            cut.SetLength(cut.Length - 1_000);
        var run = await RunAsync("import", file, "--client", TestClients.Reader);
        Assert.Equal(2, run.ExitCode);
        Assert.Matches("Every line through [1-9][0-9]+ is stored or refused; go on with --from-line [0-9]+", run.Errors);
    }

    [Theory]
    [InlineData("-KILL", 137)]
    [InlineData("-TERM", 2)]
    [InlineData("-INT", 2)]
    public async Task What_is_interrupted_goes_on_and_each_event_is_stored_once(string signal, int exitCode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        var sessions = Enumerable.Range(0, 1_500).Select(_ => TestData.Session().WithAnswer(Answers.Nps(1)).WithAnswer(Answers.Nps(2)).Completed()).ToList();
        var file = await WriteAsync("events.ndjson", string.Join('\n', sessions.Select(PostEventLinesTests.LinesOf)));

        // Half of it through a pipe that stays open, so that it is in the middle when the signal comes.
        var pipe = Path.Combine(_data.Path, "pipe");
        Assert.Equal(0, (await Command.RunAsync("mkfifo", [pipe], "/", account: null, Cancelled)).ExitCode);
        using var running = ServiceProcess.Start(["import", pipe, "--client", TestClients.Reader], Environment());
        await using (var feed = await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0), Cancelled))
        {
            foreach (var session in sessions.Take(750))
                await feed.WriteAsync(Encoding.UTF8.GetBytes(PostEventLinesTests.LinesOf(session) + "\n"), Cancelled);
            await Wait.UntilAsync(async () => (await StoredAsync()).Count >= 1_000);
            await Command.RunAsync("/bin/sh", ["-c", $"kill {signal} {running.Process.Id.ToString(CultureInfo.InvariantCulture)}"], "/", account: null, Cancelled);
            await running.Process.WaitForExitAsync(Cancelled);
        }

        Assert.Equal(exitCode, running.Process.ExitCode);
        Assert.InRange((await StoredAsync()).Count, 1_000, 3_000);

        var again = await RunAsync("import", file, "--client", TestClients.Reader);
        Assert.Equal(0, again.ExitCode);
        Assert.Matches("6000 lines: [1-9][0-9]+ accepted, [1-9][0-9]+ duplicates, 0 refused", again.Output);
        var stored = await StoredAsync();
        Assert.Equal(sessions.SelectMany(session => session.Events).Select(sent => Guid.Parse((string)sent["id"]!)).Order(), stored.Order());
        await using var database = NpgsqlDataSource.Create(_connectionString);
        await using var command = database.CreateCommand(
            "select count(*) from results.mt_doc_session_result_2 where jsonb_array_length(data -> 'body' -> 'tasks') = 2 and data -> 'body' ->> 'status' = 'COMPLETE'");
        Assert.Equal(1_500L, await command.ExecuteScalarAsync(Cancelled));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => ServiceProcess.RunAsync(arguments, Environment());

    private IEnumerable<(string Name, string Value)> Environment() =>
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("ConnectionStrings__results", _connectionString),
        (DataFolder.Variable, _data.Path),
        .. ServiceProcess.ToEnvironment(TestClients.Settings()),
    ];

    private async Task<string> WriteAsync(string name, string text, bool zip = false)
    {
        var path = Path.Combine(_data.Path, name);
        await using var file = File.Create(path);
        await using Stream stream = zip ? new GZipStream(file, CompressionLevel.Fastest) : file;
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled);
        return path;
    }

    private async Task<List<Guid>> StoredAsync()
    {
        await using var database = NpgsqlDataSource.Create(_connectionString);
        await using var command = database.CreateCommand("select id from results.mt_events where type <> 'tombstone' order by seq_id");
        var ids = new List<Guid>();
        try
        {
            await using var reader = await command.ExecuteReaderAsync(Cancelled);
            while (await reader.ReadAsync(Cancelled))
                ids.Add(reader.GetGuid(0));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // The command has not made it yet.
        }

        return ids;
    }
}
