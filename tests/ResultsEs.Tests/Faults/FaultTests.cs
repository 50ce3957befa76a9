using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Postgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Postgres;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// Two nodes on one durable PostgreSQL, writers without pause, and something dies. Real processes. In a short form by
/// default; <c>tests/run.sh --faults 60</c> (RESULTS_FAULTS=60) lets each fault go on for so many seconds.
/// </summary>
public sealed class FaultTests : IAsyncLifetime
{
    private const int Writers = 8;

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
    private string? _token;
    private Task _writing = Task.CompletedTask;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var binaries = PostgresBinaries.Find();
        Assert.SkipWhen(binaries is null, "These tests kill a PostgreSQL of this machine, and there is none.");

        _cluster = await PostgresCluster.StartAsync(new ClusterOptions(_home, binaries) { Tcp = true }, NullLogger.Instance, Cancelled);
        await _cluster.CreateDatabaseAsync("faults", Cancelled);
        _database = _cluster.ConnectionString("faults");
        var parts = new NpgsqlConnectionStringBuilder(_database);
        _wire = new CutWire(parts.Port);
        // One after the other: the first makes the tables and the key.
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
    public Task Kill_9_of_PostgreSQL() => UnderLoadAsync(async () =>
    {
        var data = Path.Combine(_home, "data");
        var pid = Postmaster.ReadPid(data)!.Value;
        using (var postmaster = Process.GetProcessById(pid))
            postmaster.Kill();
        await Wait.UntilAsync(() => Postmaster.ReadPid(data) is { } again && again != pid && Postmaster.Look(data) == Postmaster.State.Running);
    });

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

        _wire.Drop();
        await Task.Delay(Round / 3, Cancelled);
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

    private async Task UnderLoadAsync(Func<Task> fault, bool felt = true)
    {
        using var stop = new CancellationTokenSource();
        _writing = _ledger.WriteAsync(Writers, () => _nodes[Random.Shared.Next(_nodes.Length)]!, stop.Token);
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
        await _ledger.VerifyAsync(_database, _nodes[1]!);
    }

    /// <summary>Waits until a good many more events are acknowledged.</summary>
    private Task ProgressAsync()
    {
        var goal = _ledger.Count + 200;
        return Wait.UntilAsync(async () =>
        {
            if (_writing.IsFaulted)
                await _writing;
            return _ledger.Count >= goal;
        });
    }

    private async Task StartAsync(int node)
    {
        var throughWire = new NpgsqlConnectionStringBuilder(_database) { Port = _wire.Port, MaxPoolSize = 20, CommandTimeout = 15 };
        var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", throughWire.ConnectionString),
            ("RESULTS_DATA", _keys.Path),
            ("RateLimiting__WritesPerMinute", "1000000"),
            ("Access__Issuer", "http://results.example/"),
            .. TestClients.Settings().Select(setting => (setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value!)),
        ]);
        _services[node] = service;
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        var http = new HttpClient { BaseAddress = service.Address };
        _token ??= await Tokens.AskAsync(http, TestClients.Reader);
        http.DefaultRequestHeaders.Authorization = new("Bearer", _token);
        _nodes[node] = http;
    }
}
