using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// Two nodes of the service on one durable PostgreSQL and one RabbitMQ, with a wire before each that can be cut.
/// Real processes, for all tests of a class: each finds both nodes ready, and after one that failed, new ones on a new
/// database and a new virtual host.
/// </summary>
public sealed class TwoNodes : IAsyncLifetime
{
    private readonly TempFolder _keys = new();
    private readonly string _home = ThrowAway.NewHome();
    private readonly ServiceProcess?[] _services = new ServiceProcess?[2];
    private readonly HttpClient?[] _clients = new HttpClient?[2];
    private int _databases;
    private bool _isSpoilt = true;

    /// <summary>Whether this machine has what is killed.</summary>
    internal static bool ArePossible => PostgresBinaries.Find() is not null && RabbitNode.Programs is not null;

    internal PostgresCluster Cluster { get; private set; } = null!;

    internal RabbitNode Broker { get; private set; } = null!;

    /// <summary>The folder of the cluster's data.</summary>
    internal string Data => Path.Combine(_home, "data");

    /// <summary>The database, by its own port.</summary>
    internal string Database { get; private set; } = null!;

    internal string VirtualHost { get; private set; } = null!;

    /// <summary>Between the nodes and PostgreSQL.</summary>
    internal CutWire Wire { get; private set; } = null!;

    /// <summary>Between the nodes and RabbitMQ.</summary>
    internal CutWire BrokerWire { get; private set; } = null!;

    internal string Token { get; private set; } = null!;

    /// <summary>The broker's address without a wire before it.</summary>
    internal Uri Queue => Broker.Address(VirtualHost);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    internal ServiceProcess Service(int node) => _services[node]!;

    internal HttpClient Client(int node) => _clients[node]!;

    public async ValueTask InitializeAsync()
    {
        if (!ArePossible)
            return;

        Broker = await RabbitNode.StartNewAsync();
        var options = new ClusterOptions(_home, PostgresBinaries.Find()!) { Tcp = true };
        Cluster = await PostgresCluster.StartAsync(options, NullLogger.Instance, Cancelled);
        await Cluster.CreateDatabaseAsync("tables", Cancelled);
        await ServiceProcess.ApplyAsync(("ConnectionStrings__results", Cluster.ConnectionString("tables")));
        Wire = new CutWire(new NpgsqlConnectionStringBuilder(Cluster.ConnectionString("tables")).Port);
        BrokerWire = new CutWire(Broker.Port);
    }

    public async ValueTask DisposeAsync()
    {
        End();
        if (Wire is not null)
            await Wire.DisposeAsync();
        if (BrokerWire is not null)
            await BrokerWire.DisposeAsync();
        if (Cluster is not null)
            await Cluster.DisposeAsync();
        ThrowAway.Remove(_home);
        if (Broker is not null)
            await Broker.DisposeAsync();
        _keys.Dispose();
    }

    /// <summary>Has both nodes ready, and connected to the broker.</summary>
    internal async Task BeginAsync()
    {
        if (_isSpoilt)
            await AnewAsync();
        // Until the test says that it went well.
        _isSpoilt = true;
        for (var node = 0; node < _services.Length; node++)
            await Wait.UntilAsync(async () => await ReadinessAsync(node) == (HttpStatusCode.OK, "Healthy"));
    }

    /// <summary>What a test that went well has left is there for the next.</summary>
    internal void Keep() => _isSpoilt = false;

    /// <summary>Starts a node, or starts it again.</summary>
    internal async Task StartAsync(int node)
    {
        var (before, client) = (_services[node], _clients[node]);
        var throughWire = new NpgsqlConnectionStringBuilder(Database) { Port = Wire.Port, MaxPoolSize = 20, CommandTimeout = 15 };
        var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", throughWire.ConnectionString),
            ("ConnectionStrings__rabbitmq", new UriBuilder(Queue) { Port = BrokerWire.Port }.Uri.ToString()),
            ("RabbitMq__Accounts__0__Account", TestClients.AccountOne.ToString()),
            ("RabbitMq__Accounts__0__Workspaces__0", TestClients.WorkspaceA.ToString()),
            ("RESULTS_DATA", _keys.Path),
            ("RateLimiting__WritesPerMinute", "1000000"),
            ("RateLimiting__ReadsPerMinute", "1000000"),
            ("Management__Url", Operators.AnyPort),
            ("Access__Issuer", "http://results.example/"),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        _services[node] = service;
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        var http = new HttpClient { BaseAddress = service.Address };
        Token ??= await Tokens.AskAsync(http, TestClients.Reader);
        http.DefaultRequestHeaders.Authorization = new("Bearer", Token);
        _clients[node] = http;
        client?.Dispose();
        before?.Dispose();
    }

    /// <summary>Waits until a node, ready all the while, says so of the broker.</summary>
    internal Task IsAsync(int node, string broker) => Wait.UntilAsync(async () =>
    {
        var (status, now) = await ReadinessAsync(node);
        Assert.Equal(HttpStatusCode.OK, status);
        return now == broker;
    });

    private async Task<(HttpStatusCode Status, string? Broker)> ReadinessAsync(int node)
    {
        var (status, health) = await Operators.ReadyAsync(Service(node).Management);
        return (status, (string?)health["checks"]!["broker"]!["status"]);
    }

    private async Task AnewAsync()
    {
        End();
        Wire.Flow();
        Wire.Open();
        BrokerWire.Delay(0);
        BrokerWire.Open();
        await Broker.MendAsync();
        var name = $"faults_{++_databases}";
        await using (var connection = new NpgsqlConnection(Cluster.ConnectionString("postgres") + ";Pooling=false"))
        {
            await connection.OpenAsync(Cancelled);
            await using var create = new NpgsqlCommand($"create database {name} template tables", connection);
            await create.ExecuteNonQueryAsync(Cancelled);
        }

        Database = Cluster.ConnectionString(name);
        VirtualHost = name;
        await Broker.ControlAsync("add_vhost", VirtualHost);
        await Broker.ControlAsync("set_permissions", "-p", VirtualHost, "guest", ".*", ".*", ".*");
        // One after the other: the first makes the key.
        await StartAsync(0);
        await StartAsync(1);
    }

    private void End()
    {
        for (var node = 0; node < _services.Length; node++)
        {
            _clients[node]?.Dispose();
            _services[node]?.Dispose();
            (_clients[node], _services[node]) = (null, null);
        }
    }
}
