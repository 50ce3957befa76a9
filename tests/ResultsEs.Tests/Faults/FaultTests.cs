using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Brokers;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// Writers over HTTP and through the broker, and something dies. They slow down while a program starts again.
/// In a short form by default, in which writers pause between batches and a fault ends when it was felt; <c>tests/run.sh --faults 60</c> (RESULTS_FAULTS=60) lets them write
/// without pause and each fault go on for so many seconds, and the file that is sent three times over have a million events.
/// </summary>
public sealed partial class FaultTests(TwoNodes nodes) : IClassFixture<TwoNodes>, IAsyncLifetime
{
    private const int Writers = 6;
    private const int Producers = 2;

    private static readonly double? Seconds =
        int.TryParse(Environment.GetEnvironmentVariable("RESULTS_FAULTS"), CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    private readonly Ledger _ledger = new(Seconds is null ? TimeSpan.FromMilliseconds(20) : default);
    private long _before;
    private Task _writing = Task.CompletedTask;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(TwoNodes.ArePossible, "These tests kill a PostgreSQL and a RabbitMQ of this machine, and there are not both.");
        await nodes.BeginAsync();
        _before = await AskAsync("select count(*) from results.mt_events where type <> 'tombstone'");
    }

    public ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Passed)
            nodes.Keep();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public Task Kill_9_of_one_of_two_nodes() => UnderLoadAsync(async () =>
    {
        var failures = _ledger.Failures;
        nodes.Service(0).Process.Kill();
        await nodes.Service(0).Process.WaitForExitAsync(Cancelled);
        await IsFeltAsync(failures);
        await ProgressAsync();
        await _ledger.SlowlyAsync(() => nodes.StartAsync(0));
    });

    [Fact]
    public Task Kill_9_of_PostgreSQL() => UnderLoadAsync(
        async () =>
        {
            var data = nodes.Data;
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
        nodes.Wire.Stall();
        await Task.Delay(TimeSpan.FromSeconds((Seconds ?? 3) / 3), Cancelled);
        nodes.Wire.Flow();
        await ProgressAsync();

        for (var i = 0; i < 5; i++)
        {
            nodes.Wire.Reset();
            await ProgressAsync();
        }

        // The nodes try again for a while before they answer 503.
        var failures = _ledger.Failures;
        nodes.Wire.Drop();
        await IsFeltAsync(failures, part: 1 / 3d);
        nodes.Wire.Open();
    });

    [Fact]
    public Task Clients_that_vanish_in_mid_request() => UnderLoadAsync(
        async () =>
        {
            var node = nodes.Service(0).Address;
            var body = TestData.Session().WithAnswer(Answers.Nps(1)).Json();
            for (var i = 0; i < 40; i++)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(node.Host, node.Port, Cancelled);
                await using var stream = client.GetStream();
                // Half of the body; the session of this client must not be seen by anybody.
                var request = $"POST /api/v2/sessionEvents HTTP/1.1\r\nHost: {node.Authority}\r\nAuthorization: Bearer {nodes.Token}\r\n" +
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
        await nodes.Broker.StopAsync();
        // The nodes answer requests all the same, and say so.
        await BrokerIsAsync("Degraded");
        await LastsAsync(part: 1 / 3d);
        await _ledger.SlowlyAsync(nodes.Broker.StartAsync);
        await ProgressAsync();
        await BrokerIsAsync("Healthy");

        await nodes.Broker.KillAsync();
        await _ledger.SlowlyAsync(nodes.Broker.StartAsync);
    });

    [Fact]
    public Task Connections_to_RabbitMQ_that_break_again_while_they_are_recovered() => UnderLoadAsync(
        async () =>
        {
            nodes.BrokerWire.Drop();
            await BrokerIsAsync("Degraded");
            nodes.BrokerWire.Delay(50);
            nodes.BrokerWire.Open();
            // The node is connected, and about to consume the queue.
            await BrokerIsAsync("Healthy");
            nodes.BrokerWire.Reset();
            nodes.BrokerWire.Delay(0);
            await BrokerIsAsync("Degraded");
            await ProgressAsync();
            await BrokerIsAsync("Healthy");
            await Wait.UntilAsync(async () => (await nodes.Broker.ControlAsync("list_queues", "--quiet", "--no-table-headers", "-p", nodes.VirtualHost, "consumers")).Trim() == "2");
        },
        felt: false);

    [Fact]
    public async Task A_node_starts_without_RabbitMQ_and_listens_when_it_is_there()
    {
        await nodes.Service(0).StopAsync();
        nodes.BrokerWire.Drop();
        await nodes.StartAsync(0);
        await BrokerIsAsync("Degraded");
        nodes.BrokerWire.Open();
        await BrokerIsAsync("Healthy");
    }

    [Fact]
    public Task Graceful_stop_of_one_of_two_nodes() => UnderLoadAsync(
        async () =>
        {
            var failures = _ledger.Failures;
            await nodes.Service(0).StopAsync();
            Assert.Equal(0, nodes.Service(0).Process.ExitCode);
            await IsFeltAsync(failures, part: 1 / 3d);
            await ProgressAsync();
            await _ledger.SlowlyAsync(() => nodes.StartAsync(0));
        });

    [Fact]
    public async Task Lines_while_the_database_is_away_are_answered_503_and_taken_when_it_is_back()
    {
        var file = new EventFile(sessions: 100, perSession: 20, first: 1_000_000);
        nodes.Wire.Drop();
        using (var content = file.Content())
        using (var answer = await nodes.Client(0).SendAsync(content))
        {
            var problem = await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.Equal(
                "The database does not answer, or other writers hold the sessions; every line through 0 is stored or refused. Send the lines after it again, or all of them.",
                (string?)problem["detail"]);
            Assert.Equal((0, 0), ((int)problem["storedThroughLine"]!, (int)problem["refused"]!));
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        nodes.Wire.Open();
        using (var content = file.Content())
        using (var answer = await nodes.Client(0).SendAsync(content))
            Assert.Equal(2_000, (int)(await answer.JsonAsync())["accepted"]!);
    }

    [Fact]
    public async Task The_same_file_through_HTTP_and_the_broker_at_once_from_two_nodes()
    {
        const int PerSession = 20;
        var sessions = (Environment.GetEnvironmentVariable("RESULTS_FAULTS") is { Length: > 0 } ? 1_000_000 : 20_000) / PerSession;
        var file = new EventFile(sessions, PerSession);
        var ofThese =
            $"""
            select count(*) from results.mt_doc_session_result_2
            where jsonb_array_length(data -> 'body' -> 'tasks') = {PerSession - 2} and data -> 'body' ->> 'status' = 'COMPLETE'
            """;
        var complete = await AskAsync(ofThese);
        await Task.WhenAll(ImportAsync(nodes.Client(0)), ImportAsync(nodes.Client(1)), PublishAsync());

        Assert.Equal((long)sessions * PerSession, await AskAsync("select count(*) from results.mt_events where type <> 'tombstone'") - _before);
        Assert.Equal((long)sessions * PerSession, await AskAsync("select count(distinct id) from results.mt_events where type <> 'tombstone'") - _before);
        Assert.Equal((long)sessions, await AskAsync(ofThese) - complete);
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
            await using var producer = await Producer.ConnectAsync(nodes.Queue);
            foreach (var messages in file.Batches().Chunk(50))
                await Task.WhenAll(messages.Select(message => producer.PublishAsync(message, Recorder.Batch).AsTask()));
            while (await producer.ReadyAsync() is > 0 and var ready)
                await Wait.UntilAsync(async () => await producer.ReadyAsync() < ready);
        }
    }

    private async Task UnderLoadAsync(Func<Task> fault, bool felt = true, int writers = Writers)
    {
        using var stop = new CancellationTokenSource();
        _writing = Task.WhenAll(
            _ledger.WriteAsync(writers, () => nodes.Client(Random.Shared.Next(2)), stop.Token),
            _ledger.PublishAsync(Producers, nodes.Queue, stop.Token));
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
            await _ledger.VerifyAsync(nodes.Database, nodes.Client(1), (int)_before);
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
        output.WriteLine(await nodes.Broker.ControlAsync("list_queues", "-p", nodes.VirtualHost, "name", "state", "messages_ready", "messages_unacknowledged", "consumers", "leader"));
        for (var node = 0; node < 2; node++)
        {
            var service = nodes.Service(node);
            service.Process.Kill();
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

    private Task BrokerIsAsync(string status) => _ledger.SlowlyAsync(() => nodes.IsAsync(0, status));

    private static async Task LastsAsync(double part = 1)
    {
        if (Seconds is { } seconds)
            await Task.Delay(TimeSpan.FromSeconds(seconds * part), Cancelled);
    }

    /// <summary>Lets a fault go on until clients feel it that did not before.</summary>
    private async Task IsFeltAsync(int before, double part = 1)
    {
        await LastsAsync(part);
        await Wait.UntilAsync(() => _ledger.Failures > before);
    }

    private async Task<long> AskAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(nodes.Database + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}
