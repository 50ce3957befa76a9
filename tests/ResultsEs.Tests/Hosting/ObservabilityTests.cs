using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Faults;

namespace ResultsEs.Tests.Hosting;

/// <summary>What the service says of itself: health, metrics, traces and logs.</summary>
public sealed partial class ObservabilityTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Metrics_count_what_was_sent_and_the_dashboard_and_the_alerts_ask_for_nothing_else()
    {
        // Nobody is at the address of Redis, so that the node limits by itself.
        using var service = await StartAsync(
            await TestDatabase.CreateAsync(), ("Telemetry__Prometheus", "true"), ("Management__Url", Operators.AnyPort), ("RateLimiting__ReadsPerMinute", "3"), ("ConnectionStrings__redis", "127.0.0.1:1,password=hush"));
        using var http = await ClientAsync(service);
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Nps(1));
        await http.RecordAsync(session);
        await http.RecordAsync(session);
        await http.RecordAsync(session);
        using (var refused = await http.SendAsync(TestData.Session().But("data.testId", "1").Json()))
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using (var foreign = await http.SendAsync(TestData.Session(TestClients.WorkspaceB).Json()))
            Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
        using (var lines = new StringContent("nonsense\n" + session.Events[0].ToJsonString() + "\n", Encoding.UTF8, "application/x-ndjson"))
            (await http.SendAsync(lines)).Dispose();
        var limited = false;
        while (!limited)
        {
            using var read = await http.GetAsync(new Uri($"/api/v3/sessionResults/{session.Id}", UriKind.Relative), Cancelled);
            limited = read.StatusCode == HttpStatusCode.TooManyRequests;
        }

        var (status, health) = await Operators.ReadyAsync(service.Management);
        Assert.Equal((HttpStatusCode.OK, "Degraded", "Degraded"), (status, (string)health["status"]!, (string)health["checks"]!["limits"]!["status"]!));

        // The port of clients has none, however it is asked.
        foreach (var path in new[] { "/metrics", "/metrics/", "/METRICS" })
        {
            using var absent = await http.GetAsync(new Uri(service.Address, path), Cancelled);
            Assert.Equal((path, HttpStatusCode.TooManyRequests), (path, absent.StatusCode));
        }

        var metrics = await Operators.MetricsAsync(service.Management);

        Assert.Equal(2, Value("results_events_total", "results_event_type=\"results.TaskAnswered.v1\"", "results_outcome=\"accepted\""));
        Assert.Equal(4, Value("results_events_total", "results_event_type=\"results.TaskAnswered.v1\"", "results_outcome=\"duplicate\""));
        Assert.Equal(3, Value("results_events_total", "results_event_type=\"results.SessionStarted.v1\"", "results_outcome=\"duplicate\""));
        Assert.Equal(1, Value("results_events_total", "results_event_type=\"results.SessionStarted.v1\"", "results_outcome=\"rejected\""));
        Assert.Equal(2, Value("results_events_total", "results_event_type=\"_OTHER\"", "results_outcome=\"rejected\""));
        Assert.True(Value("results_commit_duration_seconds_count") >= 3, metrics);
        Assert.Equal(Value("results_commit_duration_seconds_count"), Value("results_commit_events_count"));
        Assert.True(Value("http_server_request_duration_seconds_count", "http_route=\"/api/v3/sessionResults/{sessionId}\"", "http_response_status_code=\"200\"") >= 1, metrics);
        Assert.Equal(1, Value("http_server_request_duration_seconds_count", "http_route=\"/api/v3/sessionResults/{sessionId}\"", "http_response_status_code=\"429\""));
        Assert.Equal(Value("http_server_request_duration_seconds_count") - Value("http_server_request_duration_seconds_count", "health/ready\""), Value("results_limits_alone_total"));
        Assert.DoesNotContain(session.Id.ToString(), metrics, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(TestClients.AccountOne.ToString(), metrics, StringComparison.OrdinalIgnoreCase);

        var names = MetricName().Matches(metrics).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        foreach (var file in new[] { "observability/grafana-dashboard.json", "observability/alerts.yml" })
        {
            var asked = AskedFor().Matches(await File.ReadAllTextAsync(Path.Combine(Docs, "operations", file), Cancelled)).Select(match => match.Value).Distinct(StringComparer.Ordinal).ToList();
            Assert.NotEmpty(asked);
            Assert.Empty(asked.Except(names));
        }

        double Value(string name, params string[] tags) => metrics.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) && tags.All(tag => line.Contains(tag, StringComparison.Ordinal)))
            .Sum(line => double.Parse(line.Split("} ")[^1].Split(' ')[0], CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Operators_have_a_port_of_their_own_where_nothing_else_is_and_metrics_only_when_asked_for()
    {
        using var service = await StartAsync(await TestDatabase.CreateAsync(), ("Management__Url", Operators.AnyPort));
        using var http = await ClientAsync(service);

        foreach (var path in new[] { "metrics", "api/v2/testResults", "oauth2/token", "docs", "" })
        {
            using var answer = await Operators.GetAsync(service.Management, path);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
        }

        // Clients see there is nothing to see, and strangers of health its status alone.
        foreach (var path in new[] { "/metrics", "/metrics/" })
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        Assert.Equal("""{"status":"Healthy"}""", await http.GetStringAsync(new Uri("/health/ready", UriKind.Relative), Cancelled));
    }

    [Fact]
    public async Task A_commit_belongs_to_its_request_and_continues_the_trace_of_the_event()
    {
        var ended = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "ResultsEs" or "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using var host = await AppFixture.StartAsync("Production", _data, TestClients.Settings());
        using var http = await AppFixture.ClientAsync(host);
        var sender = ActivityTraceId.CreateRandom();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        foreach (var e in session.Events)
            e["traceparent"] = $"00-{sender}-00f067aa0ba902b7-01";

        await http.RecordAsync(session);

        var record = ended.Single(activity => activity.TraceId == sender);
        Assert.Equal(("record events", "00f067aa0ba902b7", ActivityKind.Consumer), (record.OperationName, record.ParentSpanId.ToString(), record.Kind));
        var commit = ended.Single(activity => activity.SpanId == Assert.Single(record.Links).Context.SpanId);
        Assert.Equal("commit events", commit.OperationName);
        Assert.Equal((2, 1), (commit.GetTagItem("results.commit.events"), commit.GetTagItem("results.commit.requests")));
        Assert.Contains(commit.Links, link => link.Context.TraceId == sender);
        Assert.Equal(record.StartTimeUtc, commit.StartTimeUtc);
        await Wait.UntilAsync(() => ended.Any(activity => activity.SpanId == commit.ParentSpanId));
        Assert.Equal("Microsoft.AspNetCore", ended.Single(activity => activity.SpanId == commit.ParentSpanId).Source.Name);
        Assert.Contains(ended, activity => activity.Source.Name == "Npgsql" && activity.ParentSpanId == commit.SpanId);
    }

    [Fact]
    public async Task Traces_metrics_and_logs_go_where_the_standard_variables_say()
    {
        var received = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        await using var collector = await CollectAsync(received);

        using var service = await StartAsync(
            await TestDatabase.CreateAsync(),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.First()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=trial"));
        using var http = await ClientAsync(service);
        await http.RecordAsync(TestData.Session());

        await HasAsync("traces", "commit events", "results-es", "trial", "insert into results.mt_doc_session_result_2");
        await HasAsync("metrics", "results.events", "results.SessionStarted.v1", "results-es");
        await HasAsync("logs", "Application started", "results-es");

        Task HasAsync(string signal, params string[] texts) => Wait.UntilAsync(() =>
            received.TryGetValue(signal, out var bytes) && Encoding.Latin1.GetString(bytes) is var sent && texts.All(text => sent.Contains(text, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_signal_goes_where_its_own_variable_says_and_what_nobody_asked_for_is_no_trace()
    {
        var received = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        await using var collector = await CollectAsync(received);
        using var service = await StartAsync(
            await TestDatabase.CreateAsync(),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.Urls.First() + "/v1/traces"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"));
        using var http = await ClientAsync(service);
        await http.RecordAsync(TestData.Session());

        // The totals are updated after many looks at whether anything changed.
        await Wait.UntilAsync(() => Traces().Contains("commit events", StringComparison.Ordinal) && Traces().Contains("update totals", StringComparison.Ordinal));
        Assert.Equal(["traces"], received.Keys);
        Assert.DoesNotContain("select exists (select 1 from results.test_changes)", Traces(), StringComparison.Ordinal);
        Assert.DoesNotContain("Username=", Traces(), StringComparison.Ordinal);

        string Traces() => received.TryGetValue("traces", out var bytes) ? Encoding.Latin1.GetString(bytes) : "";
    }

    [Fact]
    public async Task Each_line_of_a_log_in_Production_is_JSON_with_its_time_and_trace()
    {
        using var service = await StartAsync(await TestDatabase.CreateAsync());
        using (var http = await ClientAsync(service))
            await http.RecordAsync(TestData.Session());

        var lines = (await service.StopAsync()).Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!.AsObject()).ToList();

        Assert.Contains(lines, line => ((string)line["Message"]!).StartsWith("Using PostgreSQL at", StringComparison.Ordinal));
        Assert.All(lines, line =>
        {
            Assert.True(DateTimeOffset.TryParseExact((string)line["Timestamp"]!, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _), line.ToJsonString());
            Assert.NotNull(line["LogLevel"]);
            Assert.NotNull(line["Category"]);
        });
    }

    [Fact]
    public async Task Readiness_says_what_is_missing_and_liveness_does_not_look()
    {
        var database = await TestDatabase.CreateAsync();
        using var service = await StartAsync(database, ("Management__Url", Operators.AnyPort));
        using var http = new HttpClient { BaseAddress = service.Address };
        var (status, health) = await Operators.ReadyAsync(service.Management);
        Assert.Equal((HttpStatusCode.OK, "Healthy"), (status, (string)health["status"]!));
        Assert.Equal(["shutdown", "database", "schema", "broker", "limits", "totals", "standby", "set-aside"], health["checks"]!.AsObject().Select(check => check.Key));

        await ExecuteAsync(database, "alter table results.test_changes rename to test_changes_away");
        (status, health) = await Operators.ReadyAsync(service.Management);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), (status, (string)health["status"]!));
        Assert.Equal(("Unhealthy", "results.test_changes is missing."), ((string)health["checks"]!["schema"]!["status"]!, (string)health["checks"]!["schema"]!["detail"]!));

        await ExecuteAsync(database, "alter database " + new NpgsqlConnectionStringBuilder(database).Database + " allow_connections false", other: true);
        await ExecuteAsync(database, $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{new NpgsqlConnectionStringBuilder(database).Database}'", other: true);
        (status, health) = await Operators.ReadyAsync(service.Management);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "The database does not answer."), (status, (string)health["checks"]!["database"]!["detail"]!));
        await Wait.UntilAsync(async () => await ReadyAsync(http) == HttpStatusCode.ServiceUnavailable);
        using var live = await http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancelled);
        Assert.Equal((HttpStatusCode.OK, """{"status":"Healthy"}"""), (live.StatusCode, await live.Content.ReadAsStringAsync(Cancelled)));
    }

    /// <summary>Two nodes, and a proxy that sends to those that say they are ready.</summary>
    [Fact]
    public async Task Nodes_are_restarted_one_by_one_under_load_and_no_request_fails()
    {
        if (OperatingSystem.IsWindows())
            return;

        var database = await TestDatabase.CreateAsync();
        var nodes = new ServiceProcess[2];
        var clients = new HttpClient[2];
        var ready = new bool[2];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        for (var i = 0; i < 2; i++)
            await UpAsync(i);
        var probing = Enumerable.Range(0, 2).Select(node => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    ready[node] = await ReadyAsync(clients[node]) == HttpStatusCode.OK;
                }
                catch (HttpRequestException)
                {
                    ready[node] = false;
                }

                await Task.Delay(50, Cancelled);
            }
        })).ToList();
        await Wait.UntilAsync(() => ready[0] && ready[1]);
        var (turn, last) = (0, 0);
        var ledger = new Ledger(TimeSpan.FromMilliseconds(20));
        var writing = ledger.WriteAsync(writers: 6, Node, stop.Token);
        await Wait.UntilAsync(() => ledger.Count > 100);

        for (var i = 0; i < 2; i++)
        {
            var before = ledger.Count;
            await nodes[i].StopAsync();
            Assert.Equal(0, nodes[i].Process.ExitCode);
            await Wait.UntilAsync(() => ledger.Count > before + 50);
            await UpAsync(i);
            await Wait.UntilAsync(() => ready[0] && ready[1]);
        }

        await stop.CancelAsync();
        await writing;
        await Task.WhenAll(probing);
        Assert.True(ledger.Failures == 0, ledger.LastFailure);
        await ledger.VerifyAsync(database, clients[0]);
        for (var i = 0; i < 2; i++)
        {
            clients[i].Dispose();
            nodes[i].Dispose();
        }

        // While none says that it is ready, which a busy machine has a node miss, to the one that said so last: the other may be gone.
        HttpClient Node()
        {
            var next = Interlocked.Increment(ref turn) % 2;
            var to = ready[next] ? next : ready[1 - next] ? 1 - next : last;
            last = to;
            return clients[to];
        }

        async Task UpAsync(int node)
        {
            nodes[node] = await StartAsync(database, ("Shutdown__DrainSeconds", "5"), ("RateLimiting__WritesPerMinute", "1000000"));
            clients[node] = await ClientAsync(nodes[node]);
            nodes[node].Ignore();
        }
    }

    // Metrics, and their labels.
    [GeneratedRegex(@"^(?<name>[a-z_]+)[{ ]|[{,](?<name>[a-z_]+)=""", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex MetricName();

    // What other exporters show, such as PostgreSQL's, is named pg_… and is not ours to check.
    [GeneratedRegex(@"\b(?:results|http_server|aspnetcore|db_client|dotnet|kestrel)_[a-z_]+", RegexOptions.NonBacktracking)]
    private static partial Regex AskedFor();

    private static string Docs => Path.Combine(ServiceProcess.Repository, "docs");

    private static async Task<HttpStatusCode> ReadyAsync(HttpClient http)
    {
        using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancelled);
        return answer.StatusCode;
    }

    /// <summary>A collector of telemetry over OTLP that keeps what comes, by signal.</summary>
    private static async Task<WebApplication> CollectAsync(ConcurrentDictionary<string, byte[]> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var collector = builder.Build();
        collector.MapPost("/v1/{signal}", async (HttpContext context, string signal) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, Cancelled);
            received.AddOrUpdate(signal, body.ToArray(), (_, before) => [.. before, .. body.ToArray()]);
        });
        await collector.StartAsync(Cancelled);
        return collector;
    }

    private async Task<ServiceProcess> StartAsync(string database, params (string, string)[] settings)
    {
        var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", database),
            (DataFolder.Variable, _data.Path),
            ("Access__Issuer", "http://results.example/"),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
            .. settings,
        ]);
        await service.UntilSaysAsync("Application started");
        return service;
    }

    private static async Task<HttpClient> ClientAsync(ServiceProcess service)
    {
        var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        return http;
    }

    private static async Task ExecuteAsync(string database, string sql, bool other = false)
    {
        await using var connection = new NpgsqlConnection(other ? new NpgsqlConnectionStringBuilder(database) { Database = "postgres", Pooling = false }.ConnectionString : database + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
