using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client.Exceptions;
using ResultsEs.Tests.Brokers;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// Clients that send events over HTTP and publish them to the broker, again and again until they are acknowledged, and write
/// down what was. Afterwards ledger = store = documents: 0 lost, 0 twice. With a pause they leave the processor to what is tried beside them.
/// </summary>
internal sealed class Ledger(TimeSpan pause = default)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly SessionBuilder[] _sessions = [.. Enumerable.Range(0, 6).Select(_ => TestData.Session())];
    private readonly ConcurrentDictionary<Guid, (Guid Session, Guid? Task)> _acknowledged = new();
    private int _slow;
    private int _failures;
    private int _confirmed;

    /// <summary>How long each writer pauses while it goes slowly.</summary>
    public TimeSpan Slow { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How many events are acknowledged.</summary>
    public int Count => _acknowledged.Count;

    /// <summary>How many messages the broker has confirmed.</summary>
    public int Confirmed => _confirmed;

    /// <summary>How many requests got another answer than 200, or none, and how many messages no confirmation: that a fault was felt at all.</summary>
    public int Failures => _failures;

    /// <summary>What the last of those requests got.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>The events that are acknowledged.</summary>
    public IReadOnlyList<Guid> Acknowledged => [.. _acknowledged.Keys];

    /// <summary>The sessions that are written.</summary>
    public IReadOnlyList<Guid> Sessions => [.. _sessions.Select(session => session.Id)];

    /// <summary>The tasks of a session whose answers are acknowledged.</summary>
    public IReadOnlyList<Guid> Tasks(Guid session) => [.. _acknowledged.Values.Where(entry => entry.Session == session && entry.Task is not null).Select(entry => entry.Task!.Value)];

    private TimeSpan Pause => _slow > 0 && pause < Slow ? Slow : pause;

    /// <summary>Goes on slowly during <paramref name="work"/>, which another program does and which needs the processor.</summary>
    public async Task SlowlyAsync(Func<Task> work)
    {
        Interlocked.Increment(ref _slow);
        try
        {
            await work();
        }
        finally
        {
            Interlocked.Decrement(ref _slow);
        }
    }

    /// <summary>Writes until told to stop, and then until what is under way is acknowledged.</summary>
    public Task WriteAsync(int writers, Func<HttpClient> node, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            for (var n = 0; !stop.IsCancellationRequested; n++)
            {
                await SendUntilAcknowledgedAsync(Batch(writer, n), node);
                await Task.Delay(Pause, CancellationToken.None);
            }
        })));

    /// <summary>Publishes until told to stop, and then until what is under way is confirmed.</summary>
    public Task PublishAsync(int producers, Uri queue, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, producers).Select(producer => Task.Run(async () =>
        {
            Producer? connection = null;
            for (var n = 0; !stop.IsCancellationRequested; n++)
            {
                connection = await PublishUntilConfirmedAsync(Batch(producer, n), queue, connection);
                await Task.Delay(Pause, CancellationToken.None);
            }

            if (connection is not null)
                await connection.DisposeAsync();
        })));

    /// <summary>Compares with the store and with the documents, once the queue has been worked off. The store has <paramref name="others"/> events besides.</summary>
    public async Task VerifyAsync(string connectionString, HttpClient reader, int others = 0)
    {
        Assert.NotEmpty(_acknowledged);
        await using var database = NpgsqlDataSource.Create(connectionString);
        await using (var deadLetters = database.CreateCommand("select count(*) from results.wolverine_dead_letters"))
            Assert.Equal(0L, await deadLetters.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        List<Guid> stored = [];
        await Wait.UntilAsync(async () => !_acknowledged.Keys.Except(stored = await StoredAsync(database)).Any());

        Assert.Equal(stored.Distinct().Count(), stored.Count);
        Assert.Empty(_acknowledged.Keys.Except(stored));
        Assert.Equal(others, stored.Except(_acknowledged.Keys).Count());

        // Whichever node counts now, each session counts once.
        await Wait.UntilAsync(async () =>
        {
            await using var counted = database.CreateCommand(
                """
                select not exists (select 1 from results.test_changes)
                  and (select coalesce(sum(t.in_progress + t.complete + t.abandoned), 0) from results.test_totals t)
                    = (select count(*) from results.mt_streams s where s.type = 'session_result')
                """);
            return (bool)(await counted.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        });

        foreach (var session in _sessions)
        {
            var result = await reader.ResultAsync(session.Id);
            Assert.Equal(
                _acknowledged.Values.Where(entry => entry.Session == session.Id && entry.Task is not null).Select(entry => entry.Task!.Value).Order(),
                result["tasks"]!.AsArray().Select(task => Guid.Parse((string)task!["uuid"]!)).Order());
        }
    }

    private static async Task<List<Guid>> StoredAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("select id from results.mt_events where type <> 'tombstone'");
        await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var stored = new List<Guid>();
        while (await rows.ReadAsync(TestContext.Current.CancellationToken))
            stored.Add(rows.GetGuid(0));
        return stored;
    }

    /// <summary>One to four answers to one or two of the sessions; a writer's first batch also starts all of them, as every writer's does.</summary>
    private List<(JsonObject Event, Guid Session, Guid? Task)> Batch(int writer, int n)
    {
        var batch = new List<(JsonObject, Guid, Guid?)>();
        if (n == 0)
            batch.AddRange(_sessions.Select(session => ((JsonObject)session.Events[0].DeepClone(), session.Id, (Guid?)null)));

        for (var i = 0; i <= (writer + n) % 4; i++)
        {
            var session = TestData.SessionOnly(_sessions[(writer + n + (i / 2)) % _sessions.Length].Id).WithAnswer(Answers.Nps(n % 11));
            batch.Add((session.Events[0], session.Id, session.Tasks[0]));
        }

        return batch;
    }

    /// <summary>Gives the connection that is still good, or the one that was made in its place.</summary>
    private async Task<Producer> PublishUntilConfirmedAsync(List<(JsonObject Event, Guid Session, Guid? Task)> batch, Uri queue, Producer? connection)
    {
        var json = new JsonArray([.. batch.Select(item => item.Event)]).ToJsonString();
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                connection ??= await Producer.ConnectAsync(queue);
                await connection.PublishAsync(json, Recorder.Batch).AsTask().WaitAsync(Timeout, patience.Token);
                Interlocked.Increment(ref _confirmed);
                Acknowledge(batch);
                return connection;
            }
            catch (Exception e) when (e is RabbitMQClientException or BrokerUnreachableException or IOException or TimeoutException or ObjectDisposedException)
            {
                Interlocked.Increment(ref _failures);
                if (connection is not null)
                    await connection.AbandonAsync();
                connection = null;
                await Task.Delay(Random.Shared.Next(50, 200), patience.Token);
            }
        }
    }

    private void Acknowledge(List<(JsonObject Event, Guid Session, Guid? Task)> batch)
    {
        foreach (var (sent, session, task) in batch)
            _acknowledged[Guid.Parse((string)sent["id"]!)] = (session, task);
    }

    private async Task SendUntilAcknowledgedAsync(List<(JsonObject Event, Guid Session, Guid? Task)> batch, Func<HttpClient> node)
    {
        var json = new JsonArray([.. batch.Select(item => item.Event)]).ToJsonString();
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await TrySendAsync(node(), json))
            {
                Acknowledge(batch);
                return;
            }

            Interlocked.Increment(ref _failures);
            await Task.Delay(Random.Shared.Next(20, 100), patience.Token);
        }
    }

    private async Task<bool> TrySendAsync(HttpClient http, string json)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            using var content = new StringContent(json, System.Text.Encoding.UTF8, Recorder.Batch);
            using var answer = await http.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), content, timeout.Token);
            if ((int)answer.StatusCode is >= 400 and < 500)
                Assert.Fail(await answer.Content.ReadAsStringAsync(timeout.Token));
            if (answer.StatusCode == HttpStatusCode.OK)
                return true;
            LastFailure = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(timeout.Token)}";
            return false;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            LastFailure = $"{http.BaseAddress} {e}";
            return false;
        }
    }
}
