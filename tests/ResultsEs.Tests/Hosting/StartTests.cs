using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Hosting;

/// <summary>Starts that fail, each with a line on the standard error, and what a start does beside.</summary>
public sealed class StartTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Clients__0__Account", "not-a-guid", "'Clients:0:Account' must be a UUID.")]
    [InlineData("Clients__0__Acount", "x", "'Clients:0:Acount' is not a setting; there are Id, SecretHash, Account, Workspaces, Scopes, ReadsPerMinute, WritesPerMinute.")]
    [InlineData("Clients__0__Workspaces__1", "x", "'Clients:0:Workspaces:1' must be a UUID.")]
    [InlineData("RateLimiting__ReadPerMinute", "1", "'RateLimiting:ReadPerMinute' is not a setting; there are ReadsPerMinute, WritesPerMinute, AnonymousPerMinute, TokensPerMinute, TokenFailuresPerMinute.")]
    [InlineData("RabbitMq__Accounts__0__Account", "hush", "'RabbitMq:Accounts:0:Account' must be a UUID.")]
    [InlineData("Reads__MaxLag", "1", "'Reads:MaxLag' is not a setting; there are MaxLagSeconds.")]
    [InlineData("Shutdown__DrainSeconds", "soon", "'Shutdown:DrainSeconds' must be a whole number.")]
    [InlineData("ObjectStore__PathStyle", "perhaps", "'ObjectStore:PathStyle' must be true or false.")]
    [InlineData("Telemetry__Prometheus", "on", "'Telemetry:Prometheus' must be true or false.")]
    [InlineData("Telemetry__Prometheus", "true", "Telemetry:Prometheus needs Management:Url, the address that serves metrics.")]
    [InlineData("Management__Url", "localhost", "Management:Url must be an address to listen on, such as http://localhost:5090 or http://+:5090.")]
    [InlineData("Cors__Origins__0", "https://app.example/", "Cors:Origins:0 must be an origin as browsers send it, such as https://app.example, without a path.")]
    [InlineData("Cors__Origins", "https://app.example", "'Cors:Origins' is a group of settings, and no value.")]
    [InlineData("ConnectionStrings__result", "Host=hush", "'ConnectionStrings:result' is not a setting; there are Results, Results_standby, Rabbitmq, Redis.")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be an absolute http or https URL.")]
    [InlineData("Logging__LogLevel__Default", "Loud", "The service cannot start: Configuration value 'Loud' is not supported.")]
    [InlineData("Access__SigningKeyPath", "/proc/nowhere/key.pem", "The signing key /proc/nowhere/key.pem can be neither read nor made: Could not find file '/proc/nowhere'.")]
    [InlineData("ASPNETCORE_URLS", "nonsense", "ASPNETCORE_URLS: 'nonsense' is no address to listen on, such as http://localhost:5080 or http://*:5080.")]
    [InlineData("ASPNETCORE_URLS", "ftp://127.0.0.1:0", "The service cannot start: Unrecognized scheme in server address 'ftp://127.0.0.1:0'. Only 'http://' and 'https://' are supported.")]
    public async Task A_wrong_setting_is_a_line(string name, string value, string line) => await AssertFailsAsync(name, value, line);

    [Fact]
    public async Task So_is_a_port_that_is_taken()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";

        await AssertFailsAsync("ASPNETCORE_URLS", address, $"The service cannot start: Failed to bind to address {address}: address already in use. Stop what listens there, or choose another address by ASPNETCORE_URLS or Management__Url.");
    }

    [Fact]
    public async Task A_service_without_clients_says_so()
    {
        using var data = new TempFolder();
        using var service = ServiceProcess.Start(
            ("ASPNETCORE_ENVIRONMENT", "Staging"), ("RESULTS_DATA", data.Path), ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            ("RateLimitting__ReadsPerMinute", "1"));

        var said = await service.UntilSaysAsync("Application started");
        Assert.Contains(said, line => line.Contains("There is no client, so nobody can get a token", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("Nobody reads the settings 'RateLimitting'; did you mean 'RateLimiting'?", StringComparison.Ordinal));
        service.Ignore();
    }

    [Fact]
    public async Task A_rehearsed_commit_leaves_nothing()
    {
        var services = app.Host.Services;
        var database = services.GetRequiredService<NpgsqlDataSource>();
        var session = TestData.SessionWithEverything();
        var events = CloudEventReader.Read(System.Text.Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch).Events;

        await AppendTransaction.RehearseAsync(
            services.GetRequiredService<AppendStore>(), services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Pinned), [.. events],
            Cancelled);

        Assert.NotEmpty(events);
        await using var stored = database.CreateCommand("select count(*) from results.mt_events where stream_id = $1");
        stored.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session.Id });
        Assert.Equal(0L, await stored.ExecuteScalarAsync(Cancelled));
        await using var documents = database.CreateCommand("select count(*) from results.mt_streams where tenant_id = $1");
        documents.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Guid.Empty.ToString() });
        Assert.Equal(0L, await documents.ExecuteScalarAsync(Cancelled));
    }

    [Fact]
    public async Task A_start_sends_its_first_requests_itself_and_leaves_no_trace_of_them()
    {
        using var data = new TempFolder();
        var connection = await TestDatabase.CreateAsync();
        using var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Staging"), ("RESULTS_DATA", data.Path), ("ConnectionStrings__results", connection),
            ("Management__Url", Operators.AnyPort), ("Telemetry__Prometheus", "true"),
            ("Logging__LogLevel__ResultsEs.Hosting.WarmUp", "Debug"), .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        await service.UntilSaysAsync("The code of requests is warm");
        using (var operators = new HttpClient())
        {
            var metrics = await operators.GetStringAsync(new Uri(service.Management, "/metrics"), Cancelled);
            Assert.Contains("# TYPE", metrics, StringComparison.Ordinal);
            Assert.DoesNotContain("results_events", metrics, StringComparison.Ordinal);
            Assert.DoesNotContain("results_commit", metrics, StringComparison.Ordinal);
        }

        // What waits for the audit is stored when the service stops.
        var said = await service.StopAsync();
        Assert.DoesNotContain(said, line => line.Contains("\"LogLevel\":\"Error\"", StringComparison.Ordinal));
        await using var database = NpgsqlDataSource.Create(connection);
        await using var written = database.CreateCommand(
            "select (select count(*) from results.mt_streams) + (select count(*) from results.mt_events) + (select count(*) from results.audit)");
        Assert.Equal(0L, await written.ExecuteScalarAsync(Cancelled));
    }

    private static async Task AssertFailsAsync(string name, string value, string line)
    {
        using var data = new TempFolder();
        var run = await ServiceProcess.RunAsync(
            [],
            [("ASPNETCORE_ENVIRONMENT", "Staging"), ("RESULTS_DATA", data.Path), ("ConnectionStrings__results", await TestDatabase.CreateAsync()), (name, value)]);

        Assert.Equal((1, line), (run.ExitCode, run.Errors.Trim()));
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }
}
