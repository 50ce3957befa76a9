using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>
/// W1: one event a request, committed and in its session's document before the answer; each connection sends one session after the other. Each contestant keeps its process and its tables
/// through all rounds, is alone while it is measured, and has stored what it acknowledged when the round counts.
/// </summary>
internal static class WriteRow
{
    public const string Name = "W1";

    // In each round and at each number of connections. They are short, so that what else the machine does meets all.
    private const int Turns = 3;

    private static readonly int[] Levels = [16, 256];
    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Counted = TimeSpan.FromSeconds(1.5);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("w1", cancellation);
        await using var floor = await Service.StartOtherAsync(WriteFloor.Argument, Name, database, cancellation);
        await using var project = await Service.StartAsync(database, cancellation);
        await using var marten = await Service.StartOtherAsync(MartenWrites.Argument, Name, database, cancellation);
        await using var crud = await Service.StartOtherAsync(CrudWrites.Argument, Name, database, cancellation);
        IReadOnlyList<SessionSender> senders =
        [
            new("two round trips, by hand", floor, WriteFloor.Token, database, WriteFloor.Events, Documents(WriteFloor.Documents)) { Bodies = WriteFloor.Documents },
            new("the service", project, await project.TokenAsync(cancellation), database, "results.mt_events where type <> 'tombstone'", Documents(SessionSender.ServedDocuments)) { Bodies = SessionSender.ServedDocuments },
            new("Marten as it comes", marten, token: null, database, $"{MartenWrites.Schema}.mt_events", $"{MartenWrites.Schema}.mt_doc_survey d, jsonb_array_elements(d.data -> 'Tasks')"),
            new("Entity Framework Core, no events", crud, token: null, database, $"{CrudWrites.Table} d, generate_series(1, d.changes)", $"{CrudWrites.Table} d, jsonb_array_elements(d.document -> 'tasks')"),
        ];
        // A plan that was made while a table was empty reads all that an account has, until PostgreSQL analyzes the table a minute or so later. Nobody is to be measured with one.
        foreach (var sender in senders)
            await sender.WarmUpAsync(Levels[0], FirstWarmUp, cancellation);
        await Postgres.ExecuteAsync(database, "analyze", cancellation);
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var connections in Levels)
            {
                for (var turn = 0; turn < Turns; turn++)
                {
                    foreach (var sender in senders)
                        await sender.SendAsync(connections, WarmUp, Counted, cancellation);
                }

                Console.Error.WriteLine($"W1, round {round + 1} of {options.Rounds}, {connections} connections: {string.Join(", ", senders.Select(sender => string.Create(CultureInfo.InvariantCulture, $"{sender.Name} {sender.Rates[connections][^1]:F0}")))}");
            }
        }

        return
        [
            .. Levels.Select(connections => new ResultRow(
                $"{Name}/{connections}",
                $"one event a request, {connections} connections",
                "events/s",
                new Goal(AtLeast: connections == Levels[0] ? 0.6 : 1.0, AtMost: null),
                [.. senders.Select(sender => new Contestant(sender.Name, sender.Rates[connections], sender.PeakBytes))])),
        ];

        static string Documents(string table) => $"{table} d, jsonb_array_elements(d.data -> 'body' -> 'tasks')";
    }
}

/// <summary>Sends <see cref="Sessions"/> to a server, an event a request, and keeps count of what is acknowledged.</summary>
/// <param name="name">Whose server it is.</param>
/// <param name="server">The server.</param>
/// <param name="token">What it is shown for authorization.</param>
/// <param name="database">Where it stores.</param>
/// <param name="storedEvents">What has a row for each event that it has stored, after <c>from</c>.</param>
/// <param name="storedTasks">What has a row for each task that is in a document.</param>
internal sealed class SessionSender(string name, Server server, string? token, string database, string storedEvents, string storedTasks)
{
    /// <summary>The service's documents.</summary>
    public static readonly string ServedDocuments = SessionResultTable.Name;

    private const int Looked = 5;

    private readonly Dictionary<int, HttpClient> _clients = [];
    private readonly ConcurrentQueue<int> _completed = new();
    private int _sessions;
    private long _events;
    private long _tasks;

    public string Name => name;

    /// <summary>The table whose documents have the body that the service makes; null where they have another.</summary>
    public string? Bodies { get; init; }

    /// <summary>Events a second by connections, a figure a round.</summary>
    public Dictionary<int, List<double>> Rates { get; } = [];

    public long PeakBytes => server.PeakBytes;

    /// <summary>Sends for so long, and checks what is stored.</summary>
    public async Task SendAsync(int connections, TimeSpan warmUp, TimeSpan counted, CancellationToken cancellation)
    {
        var rate = await RateAsync(connections, warmUp, counted, cancellation);
        if (!Rates.TryGetValue(connections, out var rates))
            Rates[connections] = rates = [];
        rates.Add(rate);
    }

    /// <summary>Sends for so long, which counts for nothing, and checks what is stored.</summary>
    public Task WarmUpAsync(int connections, TimeSpan warmUp, CancellationToken cancellation) => RateAsync(connections, warmUp, TimeSpan.FromMilliseconds(1), cancellation);

    private async Task<double> RateAsync(int connections, TimeSpan warmUp, TimeSpan counted, CancellationToken cancellation)
    {
        if (!_clients.TryGetValue(connections, out var http))
            _clients[connections] = http = await server.ConnectAsync(connections, token, cancellation);
        var sessions = new (int Session, byte[][] Events)[connections];
        var rate = await Load.RateAsync(connections, warmUp, counted, AskAsync, cancellation);
        await Fill.CountedAsync(database, cancellation);
        await CheckAsync(cancellation);
        return rate;

        async Task<int> AskAsync(int connection, int n)
        {
            var i = n % Sessions.EventsPerSession;
            if (i == 0)
            {
                var next = Interlocked.Increment(ref _sessions) - 1;
                sessions[connection] = (next, Sessions.Events(next));
            }

            var (session, events) = sessions[connection];
            await Sending.AcceptedAsync(http, name, events[i], Sending.OneEvent, 1, cancellation);
            Interlocked.Increment(ref _events);
            if (Sessions.IsOfTask(i))
                Interlocked.Increment(ref _tasks);
            if (i == Sessions.EventsPerSession - 1)
                _completed.Enqueue(session);
            return 1;
        }
    }

    private async Task CheckAsync(CancellationToken cancellation)
    {
        var (events, tasks) = (await Postgres.AskAsync<long>(database, $"select count(*) from {storedEvents}", cancellation), await Postgres.AskAsync<long>(database, $"select count(*) from {storedTasks}", cancellation));
        if (events != _events || tasks != _tasks)
            throw new InvalidOperationException($"{name} has stored {events} events, and its documents hold {tasks} tasks; acknowledged were {_events} events, {_tasks} of them of tasks.");
        if (Bodies is null)
            return;

        foreach (var session in _completed.TakeLast(Looked))
            await HasBodyAsync(name, database, Bodies, session, cancellation);
    }

    /// <summary>Throws unless a session's document in a table has the body that the service makes of it.</summary>
    public static async Task HasBodyAsync(string name, string database, string table, int session, CancellationToken cancellation)
    {
        var folded = new FloorSession();
        foreach (var stored in Sessions.Events(session).Select(json => FloorEvent.Read(json)))
            folded.Fold(stored.Session, stored.Id, stored.Type, stored.Data, stored.Time.ToString("O", CultureInfo.InvariantCulture), stored.Time);
        var expected = Encoding.UTF8.GetString(folded.Document()).Replace("'", "''", StringComparison.Ordinal);
        if (!await Postgres.AskAsync<bool>(database, $"select coalesce((select d.data -> 'body' = '{expected}'::jsonb -> 'body' from {table} d where d.id = '{Sessions.Id(session)}'), false)", cancellation))
            throw new InvalidOperationException($"{name} has made another document of session {session} than its events say.");
    }
}
