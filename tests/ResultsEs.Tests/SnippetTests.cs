using System.Diagnostics;
using System.Text.Json.Nodes;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.Commands;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests;

/// <summary>The programs in docs/snippets, run as they stand against the service; skipped where their language or library is not.</summary>
public sealed class SnippetTests(SnippetService running) : IClassFixture<SnippetService>, IDisposable
{
    private const string CSharp = "send-over-http.cs";

    private static readonly Guid DemoWorkspace = Guid.Parse("0d3a0000-0000-4000-8000-0000000000a1");

    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task The_recorder_in_CSharp_sends_a_session()
    {
        // Run where it stands, for it names the project of the contracts beside it.
        var run = await RunAsync("dotnet", ["run", Path.Combine(ReadmeTests.Root, "docs", "snippets", CSharp)], "");
        Assert.True(run.ExitCode == 0, run.Output);
        var session = Guid.Parse(run.Output.Split("session ")[1].AsSpan(0, 36));

        var result = await ServedAsync(session);
        var answer = result["tasks"]![0]!["response"]!["answer"]!;
        Assert.Equal("PROMOTER", (string?)answer["nps"]!["category"]);
        Assert.Equal(DemoWorkspace, (Guid)result["workspaceId"]!);
    }

    [Fact]
    public async Task The_package_of_contracts_shows_the_recorder_in_CSharp()
    {
        var program = await File.ReadAllTextAsync(Path.Combine(ReadmeTests.Root, "docs", "snippets", CSharp), Cancelled);
        var readme = await File.ReadAllTextAsync(Path.Combine(ReadmeTests.Root, "src", "ResultsEs.Contracts", "README.md"), Cancelled);
        Assert.Contains(program[program.IndexOf("using ", StringComparison.Ordinal)..], readme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("send_over_http.py")]
    [InlineData("publish_to_rabbitmq.py")]
    [InlineData("send-over-http.mjs")]
    [InlineData("publish-to-rabbitmq.mjs")]
    public async Task A_snippet_sends_a_session(string name)
    {
        File.Copy(Path.Combine(ReadmeTests.Root, "docs", "snippets", name), Path.Combine(_data.Path, name));
        var program = name switch
        {
            "send_over_http.py" => await AnyAsync(["python3"], "-c", "import urllib.request"),
            "publish_to_rabbitmq.py" => await AnyAsync(["python3", "/usr/bin/python3"], "-c", "import pika"),
            "publish-to-rabbitmq.mjs" => await AnyAsync(["npm"], "install", "--no-save", "amqplib") is null ? null : "node",
            _ => await AnyAsync(["node"], "--version"),
        };
        Assert.SkipWhen(program is null, $"This machine has not what {name} needs.");

        var session = TestData.Session(DemoWorkspace).WithAnswer(Answers.Nps(9)).Completed();
        var run = await RunAsync(program, [name], session.Json());
        Assert.True(run.ExitCode == 0, run.Output);
        await ServedAsync(session.Id);
    }

    /// <summary>A copy that is kept by the feed of changes: what went from its workspace goes from the copy.</summary>
    [Theory]
    [InlineData("follow_changes.py")]
    [InlineData("follow-changes.mjs")]
    [InlineData("follow-changes.cs")]
    public async Task A_follower_keeps_a_copy(string name)
    {
        var isCSharp = Path.GetExtension(name) == ".cs";
        var folder = Path.Combine(ReadmeTests.Root, "docs", "snippets");
        var (program, before) = isCSharp ? ("dotnet", new[] { "run", Path.Combine(folder, name), "--", "--once" })
            : (name.EndsWith(".py", StringComparison.Ordinal) ? await AnyAsync(["python3"], "-c", "import urllib.request") : await AnyAsync(["node"], "--version"), [Path.Combine(folder, name), "--once"]);
        Assert.SkipWhen(program is null, $"This machine has not what {name} needs.");
        using var http = new HttpClient { BaseAddress = running.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        var (kept, moved) = (TestData.Session(DemoWorkspace), TestData.Session(DemoWorkspace));
        await http.RecordAsync(kept);
        await http.RecordAsync(moved);

        // Twice: it goes on where it stood.
        await FollowAsync();
        Assert.True(JsonNode.DeepEquals(await http.ResultAsync(moved.Id), await CopyAsync(moved.Id)));
        await http.RecordAsync(kept.WithAnswer(Answers.Nps(9)).Completed());
        await http.RecordAsync(TestData.SessionOnly(moved.Id).Started(DemoWorkspace).But("time", "\"2026-03-01T11:00:00Z\""));
        await FollowAsync();

        Assert.True(JsonNode.DeepEquals(await http.ResultAsync(kept.Id), await CopyAsync(kept.Id)));
        Assert.True(JsonNode.DeepEquals(await http.ResultAsync(moved.Id), await CopyAsync(moved.Id)));

        async Task FollowAsync()
        {
            var run = await RunAsync(program, before, "");
            Assert.True(run.ExitCode == 0, run.Output);
        }

        async Task<JsonNode?> CopyAsync(Guid session) =>
            JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_data.Path, "copy", $"{DemoWorkspace}.{session}.json"), Cancelled));
    }

    /// <summary>Waits until the session is served whole; what the queue brings is served a little later.</summary>
    private async Task<JsonNode> ServedAsync(Guid session)
    {
        using var http = new HttpClient { BaseAddress = running.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        JsonNode result = null!;
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetResultAsync(session);
            return answer.IsSuccessStatusCode && (result = await answer.JsonAsync()) is not null
                && (string?)result["status"] == "COMPLETE" && result["tasks"]!.AsArray().Count == 1;
        });
        return result;
    }

    /// <summary>The first of these programs that is there and can do this; null when none can.</summary>
    private async Task<string?> AnyAsync(string[] programs, params string[] arguments)
    {
        foreach (var program in programs)
        {
            try
            {
                if ((await RunAsync(program, arguments, "")).ExitCode == 0)
                    return program;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not here.
            }
        }

        return null;
    }

    private async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, string input)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _data.Path,
            Environment = { ["RESULTS_URL"] = running.Address.ToString().TrimEnd('/'), ["RABBITMQ_URL"] = running.Broker.ToString() },
        };
        Sources.ForgetBuild(start);
        // A build server that outlives the program would hold its output open.
        (start.Environment["MSBUILDDISABLENODEREUSE"], start.Environment["UseSharedCompilation"]) = ("1", "false");
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(Cancelled), process.StandardError.ReadToEndAsync(Cancelled));
        await process.WaitForExitAsync(Cancelled);
        return (process.ExitCode, string.Concat(await output));
    }
}

/// <summary>A service in Development that listens to a broker, as the readers of the snippets have it.</summary>
public sealed class SnippetService : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private ServiceProcess _service = null!;

    /// <summary>Where it listens.</summary>
    public Uri Address => _service.Address;

    /// <summary>Its virtual host.</summary>
    public Uri Broker { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Broker = await (await TestBroker.GetAsync()).AddVirtualHostAsync("snippets-" + Guid.NewGuid().ToString("n"));
        _service = ServiceProcess.Start(
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            ("ConnectionStrings__rabbitmq", Broker.ToString()),
            ("Samples__Load", "false"),
            (DataFolder.Variable, _data.Path));
        await _service.UntilSaysAsync("Application started");
        _service.Ignore();
    }

    public ValueTask DisposeAsync()
    {
        _service.Dispose();
        _data.Dispose();
        return ValueTask.CompletedTask;
    }
}
