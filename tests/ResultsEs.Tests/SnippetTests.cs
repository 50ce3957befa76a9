using System.Diagnostics;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests;

/// <summary>The programs in docs/snippets, run as they stand against the service; skipped where their language or library is not.</summary>
public sealed class SnippetTests : IAsyncLifetime
{
    private static readonly Guid DemoWorkspace = Guid.Parse("0d3a0000-0000-4000-8000-0000000000a1");

    private readonly TempFolder _data = new();
    private Uri _broker = null!;
    private ServiceProcess _service = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var host = "snippets-" + Guid.NewGuid().ToString("n");
        _broker = await (await TestBroker.GetAsync()).AddVirtualHostAsync(host);
        _service = ServiceProcess.Start(
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            ("ConnectionStrings__rabbitmq", _broker.ToString()),
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

        var session = A.Session(DemoWorkspace).WithAnswer(Answers.Nps(9)).Completed();
        var run = await RunAsync(program, [name], session.Json());
        Assert.True(run.ExitCode == 0, run.Output);

        using var http = new HttpClient { BaseAddress = _service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetResultAsync(session.Id);
            return answer.IsSuccessStatusCode && await answer.JsonAsync() is var result
                && (string?)result["status"] == "COMPLETE" && result["tasks"]!.AsArray().Count == 1;
        });
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
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _data.Path,
            Environment = { ["RESULTS_URL"] = _service.Address.ToString().TrimEnd('/'), ["RABBITMQ_URL"] = _broker.ToString() },
        })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(Cancelled), process.StandardError.ReadToEndAsync(Cancelled));
        await process.WaitForExitAsync(Cancelled);
        return (process.ExitCode, string.Concat(await output));
    }
}
