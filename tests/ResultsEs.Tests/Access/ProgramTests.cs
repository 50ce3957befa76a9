using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Access;

/// <summary>The composition of the whole service.</summary>
public sealed class ProgramTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Development_has_the_demo_client_ready()
    {
        using var answer = await Tokens.RequestAsync(DescribedAnswers.Of(app.Host), "demo", "demo-secret", Scopes.StudiesRead, Scopes.EventsWrite);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task No_other_environment_knows_the_demo_client()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var demo = await Tokens.RequestAsync(DescribedAnswers.Of(host), "demo", "demo-secret");
        using var own = await Tokens.RequestAsync(DescribedAnswers.Of(host), TestClients.Reader, TestClients.Secret);

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (demo.StatusCode, own.StatusCode));
    }

    [Fact]
    public async Task The_page_and_the_description_can_be_switched_off()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new("Docs:Enabled", "false")]);
        using var http = await AppFixture.ClientAsync(host);
        foreach (var path in new[] { "/docs", "/docs/", "/docs/v1", "/docs/scalar.js", "/openapi/v1.json" })
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
        }

        var resource = await http.JsonAsync("/.well-known/oauth-protected-resource");
        Assert.Equal((true, false), (resource.ContainsKey("resource"), resource.ContainsKey("resource_documentation")));
    }

    [Fact]
    public async Task A_wrong_configuration_stops_the_start()
    {
        using var data = new TempFolder();
        await AssertDoesNotStartAsync(data, "RateLimiting__ReadsPerMinute", "0", "RateLimiting:ReadsPerMinute must be from 1 to 10000000.");
    }

    [Fact]
    public async Task A_signing_key_that_cannot_be_read_stops_the_start()
    {
        using var data = new TempFolder();
        var path = Path.Combine(data.Path, "not-a-key.pem");
        await File.WriteAllTextAsync(path, "hello", Cancel);
        await AssertDoesNotStartAsync(data, "Access__SigningKeyPath", path, $"The signing key {path} is not an unencrypted RSA private key in PEM form.");
    }

    [Fact]
    public async Task A_broker_that_is_not_bound_to_an_account_stops_the_start()
    {
        using var data = new TempFolder();
        await AssertDoesNotStartAsync(data, "ConnectionStrings__rabbitmq", "amqp://localhost:1", "RabbitMq:Accounts is empty");
    }

    [Fact]
    public async Task A_connection_string_of_Redis_that_cannot_be_understood_stops_the_start_and_is_not_repeated()
    {
        using var data = new TempFolder();
        var said = await AssertDoesNotStartAsync(data, "ConnectionStrings__redis", "localhost:6379,password=half,other=half", "ConnectionStrings__redis is not a connection string");

        Assert.DoesNotContain("half", said, StringComparison.Ordinal);
        Assert.DoesNotContain("other", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_outlives_a_restart()
    {
        using var data = new TempFolder();
        string token;
        await using (var first = await AppFixture.StartAsync("Production", data, TestClients.Settings()))
            token = await Tokens.AskAsync(DescribedAnswers.Of(first), TestClients.Reader);

        await using var second = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var http = DescribedAnswers.Of(second);
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri("/not-mapped", UriKind.Relative), Cancel);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_client_of_the_fixture_gets_through()
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly, Scopes.StudiesRead);
        using var answer = await http.GetAsync(new Uri("/not-mapped", UriKind.Relative), Cancel);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_workspace_that_is_taken_from_a_client_is_gone_from_what_it_reads_and_writes()
    {
        using var http = await app.ClientAsync(TestClients.Changing);
        var (kept, lost) = (TestData.Session(), TestData.Session(TestClients.WorkspaceB));
        await http.RecordAsync(kept);
        await http.RecordAsync(lost);
        Assert.Equal(HttpStatusCode.OK, await ReadAsync(lost));

        var settings = app.Host.Services.GetRequiredService<IConfiguration>();
        var key = settings.GetSection("Clients").GetChildren().Single(client => client["Id"] == TestClients.Changing).Path;
        settings[key + ":Workspaces:1"] = Guid.NewGuid().ToString();

        await Wait.UntilAsync(async () => await ReadAsync(lost) == HttpStatusCode.NotFound);
        Assert.Equal(HttpStatusCode.OK, await ReadAsync(kept));
        using var write = await http.SendAsync(TestData.Session(TestClients.WorkspaceB).Json());
        Assert.Equal(HttpStatusCode.Forbidden, write.StatusCode);

        async Task<HttpStatusCode> ReadAsync(SessionBuilder session)
        {
            using var answer = await http.GetAsync(new Uri($"/api/v3/sessionResults/{session.Id}", UriKind.Relative), Cancel);
            return answer.StatusCode;
        }
    }

    /// <summary>In a process of its own: what a host in this one says of its failure depends on who disposes of it first.</summary>
    private static async Task<string> AssertDoesNotStartAsync(TempFolder data, string setting, string value, string problem)
    {
        var run = await ServiceProcess.RunAsync(
            [],
            [("ASPNETCORE_ENVIRONMENT", "Production"), ("RESULTS_DATA", data.Path), ("ConnectionStrings__results", await TestDatabase.CreateAsync()), (setting, value)]);
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains(problem, run.Output + run.Errors, StringComparison.Ordinal);
        return run.Output + run.Errors;
    }
}
