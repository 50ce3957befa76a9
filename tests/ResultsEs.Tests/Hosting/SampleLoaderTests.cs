using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Hosting;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Hosting;

/// <summary>What a developer gets who starts the service and does nothing else; with real processes.</summary>
public sealed partial class SampleLoaderTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_Development_start_records_the_samples_once_and_tells_commands_that_read_one()
    {
        var database = await TestDatabase.CreateAsync();
        using (var first = Start("Development", database))
        {
            var said = await UntilReadyAsync(first);
            Assert.Contains("      Recorded the 5 sample sessions of docs/samples", said);
            Assert.Equal((200, Samples.SessionOf("survey"), "COMPLETE"), await RunAsync(said));
            await first.StopAsync();
        }

        using var second = Start("Development", database);
        var again = await UntilReadyAsync(second);
        Assert.DoesNotContain(again, line => line.Contains("sample sessions", StringComparison.Ordinal));
        Assert.Equal((200, Samples.SessionOf("survey"), "COMPLETE"), await RunAsync(again));
        Assert.Equal(Samples.Names.Count, await CountAsync(database, "mt_doc_session_result_2"));
    }

    [Fact]
    public async Task Samples_are_not_recorded_when_they_are_switched_off()
    {
        var database = await TestDatabase.CreateAsync();
        using var service = Start("Development", database, ("Samples__Load", "false"));

        var said = await UntilReadyAsync(service);
        Assert.DoesNotContain(said, line => line.Contains("sample sessions", StringComparison.Ordinal));
        Assert.Equal(0, await CountAsync(database, "mt_events"));
    }

    [Fact]
    public async Task What_goes_wrong_is_a_warning_and_the_service_runs_on()
    {
        // Of the samples' workspace the client is no longer a member.
        using var service = Start("Development", await TestDatabase.CreateAsync(), ("Clients__0__Workspaces__0", TestClients.WorkspaceA.ToString()));

        var said = await UntilReadyAsync(service);
        var warning = Assert.Single(said, line => line.Contains("The sample sessions are not recorded", StringComparison.Ordinal));
        Assert.Contains("answered 403", warning, StringComparison.Ordinal);
        Assert.Contains("must be one of the sender's workspaces", warning, StringComparison.Ordinal);
        Assert.Equal(404, (await RunAsync(said)).Status);
    }

    [Fact]
    public async Task Production_records_no_samples_tells_no_commands_and_refuses_the_demo_client()
    {
        var database = await TestDatabase.CreateAsync();
        using var service = Start("Production", database);
        await service.UntilSaysAsync("Application started");
        using var http = new HttpClient { BaseAddress = service.Address };
        using var refused = await Tokens.RequestAsync(http, TestClients.Demo, TestClients.DemoSecret);

        var said = await service.StopAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.DoesNotContain(said, line => line.Contains("TOKEN", StringComparison.Ordinal) || line.Contains("SampleLoader", StringComparison.Ordinal));
        Assert.Equal(0, await CountAsync(database, "mt_events"));
    }

    private ServiceProcess Start(string environment, string database, params IEnumerable<(string, string)> settings) => ServiceProcess.Start(
        [("ASPNETCORE_ENVIRONMENT", environment), ("ConnectionStrings__results", database), ("RESULTS_DATA", _data.Path), .. settings]);

    private static Task<IReadOnlyList<string>> UntilReadyAsync(ServiceProcess service) => service.UntilSaysAsync("/api/v3/sessionResults/");

    /// <summary>Runs the two last lines in a shell, as a developer would paste them; without curl, what they say.</summary>
    private static async Task<(int Status, Guid? SessionId, string? SessionStatus)> RunAsync(IReadOnlyList<string> said)
    {
        var (token, result) = (said[^2].Trim(), said[^1].Trim());
        if (!Programs("bash", "curl", "sed"))
            return await SendAsync(token, result);

        var script = $$"""
            export NO_PROXY='*'
            {{token}}
            {{result}} -w '\n%{http_code}'
            """;
        var answer = (await Command.RunAsync("bash", ["-c", script], "/", account: null, Cancelled)).Output;
        return Read(int.Parse(answer[^3..], System.Globalization.CultureInfo.InvariantCulture), answer[..^3]);
    }

    private static async Task<(int Status, Guid? SessionId, string? SessionStatus)> SendAsync(string token, string result)
    {
        using var http = new HttpClient { BaseAddress = new Uri(Url().Match(token).Value) };
        using var asked = await Tokens.RequestAsync(http, TestClients.Demo, TestClients.DemoSecret);
        http.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await asked.JsonAsync())["access_token"]!);
        using var answer = await http.GetAsync(new Uri(Url().Match(result).Value), Cancelled);
        return Read((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    private static (int Status, Guid? SessionId, string? SessionStatus) Read(int status, string body)
    {
        var json = JsonNode.Parse(body)!;
        return status == 200 ? (status, (Guid)json["sessionId"]!, (string)json["status"]!) : (status, null, null);
    }

    private static bool Programs(params string[] names) => names.All(name =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, name))));

    private static async Task<long> CountAsync(string database, string table)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand($"select count(*) from results.{table}", connection);
        return (long)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    [GeneratedRegex("https?://[^\\s]+", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Url();
}
