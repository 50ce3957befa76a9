using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// Two nodes on one durable PostgreSQL and one RabbitMQ, writers over HTTP and through the broker without pause, and something
/// dies. Real processes. In a short form by default; <c>tests/run.sh --faults 60</c> (RESULTS_FAULTS=60) lets each fault go on
/// for so many seconds, and the file that is sent three times over have a million events.
/// </summary>
public sealed class FaultTests(FaultTests.Broker broker) : IClassFixture<FaultTests.Broker>, IAsyncLifetime
{
    private const int Writers = 6;
    private const int Producers = 2;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("RESULTS_FAULTS"), CultureInfo.InvariantCulture, out var seconds) ? seconds : 3);

    private readonly TempFolder _keys = new();
    private readonly string _home = ThrowAway.NewHome();
    private readonly ServiceProcess?[] _services = new ServiceProcess?[2];
    private readonly HttpClient?[] _nodes = new HttpClient?[2];
    private readonly Ledger _ledger = new();
    private PostgresCluster _cluster = null!;
    private string _database = null!;
    private CutWire _wire = null!;
    private CutWire _brokerWire = null!;
    private string? _token;
    private string _virtualHost = null!;
    private Task _writing = Task.CompletedTask;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var binaries = PostgresBinaries.Find();
        Assert.SkipWhen(binaries is null || RabbitNode.Programs is null, "These tests kill a PostgreSQL and a RabbitMQ of this machine, and there are not both.");

        _cluster = await PostgresCluster.StartAsync(new ClusterOptions(_home, binaries) { Tcp = true }, NullLogger.Instance, Cancelled);
        await _cluster.CreateDatabaseAsync("faults", Cancelled);
        _database = _cluster.ConnectionString("faults");
        await ServiceProcess.ApplyAsync(("ConnectionStrings__results", _database));
        var parts = new NpgsqlConnectionStringBuilder(_database);
        _wire = new CutWire(parts.Port);
        _brokerWire = new CutWire(broker.Node.Port);
        _virtualHost = await broker.AddVirtualHostAsync();
        // One after the other: the first makes the key.
        await StartAsync(0);
        await StartAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var http in _nodes)
            http?.Dispose();
        foreach (var service in _services)
            service?.Dispose();
        if (_wire is not null)
            await _wire.DisposeAsync();
        if (_brokerWire is not null)
            await _brokerWire.DisposeAsync();
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        ThrowAway.Remove(_home);
        _keys.Dispose();
    }

    [Fact]
    public Task Kill_9_of_one_of_two_nodes() => UnderLoadAsync(async () =>
    {
        _services[0]!.Process.Kill();
        await _services[0]!.Process.WaitForExitAsync(Cancelled);
        await Task.Delay(Round, Cancelled);
        await StartAsync(0);
    });

    [Fact]
    public Task Kill_9_of_PostgreSQL() => UnderLoadAsync(
        async () =>
        {
            var data = Path.Combine(_home, "data");
            for (var i = 0; i < 3; i++)
            {
                var pid = Postmaster.ReadPid(data)!.Value;
                using (var postmaster = Process.GetProcessById(pid))
                    postmaster.Kill();
                await Wait.UntilAsync(() => Postmaster.ReadPid(data) is { } again && again != pid && Postmaster.Look(data) == Postmaster.State.Running);
                await ProgressAsync();
            }
        },
        // Marten tries again what a lost connection cut short, so that a quick restart may be no client's failure.
        felt: false);

    [Fact]
    public Task Connections_to_the_database_that_stall_are_reset_and_are_refused() => UnderLoadAsync(async () =>
    {
        _wire.Stall();
        await Task.Delay(Round / 3, Cancelled);
        _wire.Flow();
        await ProgressAsync();

        for (var i = 0; i < 5; i++)
        {
            _wire.Reset();
            await ProgressAsync();
        }

        // The nodes try again for a while before they answer 503.
        var failures = _ledger.Failures;
        _wire.Drop();
        await Task.Delay(Round / 3, Cancelled);
        await Wait.UntilAsync(() => _ledger.Failures > failures);
        _wire.Open();
    });

    [Fact]
    public Task Clients_that_vanish_in_mid_request() => UnderLoadAsync(
        async () =>
        {
            var node = _services[0]!.Address;
            var body = A.Session().WithAnswer(Answers.Nps(1)).Json();
            for (var i = 0; i < 40; i++)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(node.Host, node.Port, Cancelled);
                await using var stream = client.GetStream();
                // Half of the body; the session of this client must not be seen by anybody.
                var request = $"POST /api/v2/sessionEvents HTTP/1.1\r\nHost: {node.Authority}\r\nAuthorization: Bearer {_token}\r\n" +
                    $"Content-Type: {Recorder.Batch}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body[..(body.Length / 2)]}";
                await stream.WriteAsync(Encoding.UTF8.GetBytes(request), Cancelled);
                client.Client.LingerState = new LingerOption(enable: i % 2 == 0, seconds: 0);
            }

            await ProgressAsync();
        },
        felt: false);

    [Fact]
    public Task Restart_of_RabbitMQ() => UnderLoadAsync(async () =>
    {
        await broker.Node.StopAsync();
        // The nodes answer requests all the same, and say so.
        await BrokerIsAsync("Degraded");
        await Task.Delay(Round / 3, Cancelled);
        await broker.Node.StartAsync();
        await ProgressAsync();
        await BrokerIsAsync("Healthy");

        await broker.Node.KillAsync();
        await broker.Node.StartAsync();
    });

    [Fact]
    public Task Connections_to_RabbitMQ_that_break_again_while_they_are_recovered() => UnderLoadAsync(
        async () =>
        {
            _brokerWire.Drop();
            await BrokerIsAsync("Degraded");
            _brokerWire.Delay(50);
            _brokerWire.Open();
            // The node is connected, and about to consume the queue.
            await BrokerIsAsync("Healthy");
            _brokerWire.Reset();
            _brokerWire.Delay(0);
            await BrokerIsAsync("Degraded");
            await ProgressAsync();
            await BrokerIsAsync("Healthy");
            await Wait.UntilAsync(async () => (await broker.Node.ControlAsync("list_queues", "--quiet", "--no-table-headers", "-p", _virtualHost, "consumers")).Trim() == "2");
        },
        felt: false);

    [Fact]
    public async Task A_node_starts_without_RabbitMQ_and_listens_when_it_is_there()
    {
        await _services[0]!.StopAsync();
        _brokerWire.Drop();
        await StartAsync(0);
        await BrokerIsAsync("Degraded");
        _brokerWire.Open();
        await BrokerIsAsync("Healthy");
    }

    [Fact]
    public Task Graceful_stop_of_one_of_two_nodes() => UnderLoadAsync(
        async () =>
        {
            await _services[0]!.StopAsync();
            Assert.Equal(0, _services[0]!.Process.ExitCode);
            await Task.Delay(Round / 3, Cancelled);
            await StartAsync(0);
        });

    [Fact]
    public async Task Lines_while_the_database_is_away_are_answered_503_and_taken_when_it_is_back()
    {
        var file = new EventFile(sessions: 100, perSession: 20);
        _wire.Drop();
        using (var content = file.Content())
        using (var answer = await _nodes[0]!.SendAsync(content))
        {
            var problem = await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.Equal(
                "The database does not answer, or other writers hold the sessions; every line through 0 is stored or refused. Send the lines after it again, or all of them.",
                (string?)problem["detail"]);
            Assert.Equal((0, 0), ((int)problem["storedThroughLine"]!, (int)problem["refused"]!));
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        _wire.Open();
        using (var content = file.Content())
        using (var answer = await _nodes[0]!.SendAsync(content))
            Assert.Equal(2_000, (int)(await answer.JsonAsync())["accepted"]!);
    }

    [Fact]
    public async Task The_same_file_through_HTTP_and_the_broker_at_once_from_two_nodes()
    {
        const int PerSession = 20;
        var sessions = (Environment.GetEnvironmentVariable("RESULTS_FAULTS") is { Length: > 0 } ? 1_000_000 : 20_000) / PerSession;
        var file = new EventFile(sessions, PerSession);
        await Task.WhenAll(ImportAsync(_nodes[0]!), ImportAsync(_nodes[1]!), PublishAsync());

        await using var database = NpgsqlDataSource.Create(_database);
        Assert.Equal((long)sessions * PerSession, await AskAsync("select count(*) from results.mt_events where type <> 'tombstone'"));
        Assert.Equal((long)sessions * PerSession, await AskAsync("select count(distinct id) from results.mt_events where type <> 'tombstone'"));
        Assert.Equal((long)sessions, await AskAsync(
            $"select count(*) from results.mt_doc_session_result where jsonb_array_length(data -> 'body' -> 'tasks') = {PerSession - 2} and data -> 'body' ->> 'status' = 'COMPLETE'"));
        Assert.Equal(0L, await AskAsync("select count(*) from results.wolverine_dead_letters"));

        async Task ImportAsync(HttpClient http)
        {
            using var content = file.Content();
            using var patient = new HttpClient { BaseAddress = http.BaseAddress, Timeout = TimeSpan.FromHours(1) };
            patient.DefaultRequestHeaders.Authorization = http.DefaultRequestHeaders.Authorization;
            using var answer = await patient.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), content, Cancelled);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
            var report = await answer.JsonAsync();
            Assert.Equal((sessions * PerSession, 0), ((int)report["lines"]!, (int)report["refused"]!));
        }

        async Task PublishAsync()
        {
            await using var producer = await Producer.ConnectAsync(broker.Node.Address(_virtualHost));
            foreach (var messages in file.Batches().Chunk(50))
                await Task.WhenAll(messages.Select(message => producer.PublishAsync(message, Recorder.Batch).AsTask()));
            while (await producer.ReadyAsync() is > 0 and var ready)
                await Wait.UntilAsync(async () => await producer.ReadyAsync() < ready);
        }

        async Task<long> AskAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(Cancelled))!;
        }
    }

    private async Task UnderLoadAsync(Func<Task> fault, bool felt = true)
    {
        using var stop = new CancellationTokenSource();
        _writing = Task.WhenAll(
            _ledger.WriteAsync(Writers, () => _nodes[Random.Shared.Next(_nodes.Length)]!, stop.Token),
            _ledger.PublishAsync(Producers, broker.Node.Address(_virtualHost), stop.Token));
        try
        {
            await ProgressAsync();
            await fault();
            await ProgressAsync();
        }
        finally
        {
            await stop.CancelAsync();
            await _writing;
        }

        if (felt)
            Assert.NotEqual(0, _ledger.Failures);
        try
        {
            await _ledger.VerifyAsync(_database, _nodes[1]!);
        }
        catch (Exception)
        {
            await TellAsync();
            throw;
        }
    }

    /// <summary>What the nodes said, and what the broker knows of their queue: what is missing in the store can be anywhere between.</summary>
    private async Task TellAsync()
    {
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine(await broker.Node.ControlAsync("list_queues", "-p", _virtualHost, "name", "state", "messages_ready", "messages_unacknowledged", "consumers", "leader"));
        foreach (var service in _services)
        {
            service!.Process.Kill();
            foreach (var line in await service.StopAsync())
                output.WriteLine(line);
        }
    }

    /// <summary>Waits until a good many more events are acknowledged.</summary>
    private Task ProgressAsync()
    {
        var (goal, messages) = (_ledger.Count + 200, _ledger.Confirmed + 50);
        return Wait.UntilAsync(async () =>
        {
            if (_writing.IsFaulted)
                await _writing;
            return _ledger.Count >= goal && _ledger.Confirmed >= messages;
        });
    }

    private Task BrokerIsAsync(string status) => Wait.UntilAsync(async () =>
    {
        using var answer = await _nodes[0]!.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (string?)(await answer.JsonAsync())["checks"]!["broker"]!["status"] == status;
    });

    private async Task StartAsync(int node)
    {
        var throughWire = new NpgsqlConnectionStringBuilder(_database) { Port = _wire.Port, MaxPoolSize = 20, CommandTimeout = 15 };
        var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", throughWire.ConnectionString),
            ("ConnectionStrings__rabbitmq", new UriBuilder(broker.Node.Address(_virtualHost)) { Port = _brokerWire.Port }.Uri.ToString()),
            ("RabbitMq__Accounts__0__Account", TestClients.AccountOne.ToString()),
            ("RabbitMq__Accounts__0__Workspaces__0", TestClients.WorkspaceA.ToString()),
            ("RESULTS_DATA", _keys.Path),
            ("RateLimiting__WritesPerMinute", "1000000"),
            ("Access__Issuer", "http://results.example/"),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        _services[node] = service;
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        var http = new HttpClient { BaseAddress = service.Address };
        _token ??= await Tokens.AskAsync(http, TestClients.Reader);
        http.DefaultRequestHeaders.Authorization = new("Bearer", _token);
        _nodes[node] = http;
    }

    /// <summary>One broker for these tests, which stop and kill it; a virtual host for each.</summary>
    public sealed class Broker : IAsyncLifetime
    {
        internal RabbitNode Node { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (RabbitNode.Programs is not null)
                Node = await RabbitNode.StartNewAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (Node is not null)
                await Node.DisposeAsync();
        }

        internal async Task<string> AddVirtualHostAsync()
        {
            var name = Guid.NewGuid().ToString("n");
            await Node.ControlAsync("add_vhost", name);
            await Node.ControlAsync("set_permissions", "-p", name, "guest", ".*", ".*", ".*");
            return name;
        }
    }
}
