using System.Text;
using System.Text.Json;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The service on a database that <see cref="Fill"/> has filled, for whoever asks how it fares under another state or another load: results are read and events are written over HTTP, one a request.
/// Owns the service's process.
/// </summary>
internal sealed class DrivenService : IAsyncDisposable
{
    private readonly Server _server;
    private readonly string _database;
    private readonly string _token;
    private readonly bool _isRestored;
    private readonly int _stored;

    // The number of the next session that is written; taken by all connections at once.
    private int _next;

    private DrivenService(Server server, string database, string token, bool isRestored, int stored) =>
        (_server, _database, _token, _isRestored, _stored, _next) = (server, database, token, isRestored, stored, stored);

    /// <summary>The most memory it has had resident.</summary>
    public long PeakBytes => _server.PeakBytes;

    /// <summary>Starts it, and checks what it answers.</summary>
    /// <param name="database">A database.</param>
    /// <param name="isRestored">Whether the database is put back after each <see cref="WriteAsync"/>, as it is now.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<DrivenService> StartAsync(string database, bool isRestored, CancellationToken cancellation)
    {
        // Sessions are numbered from 0 without gaps, by what has filled the database and by what is written here.
        var stored = await Postgres.AskAsync<long>(database, "select count(*) from results.mt_streams", cancellation);
        if (isRestored)
            await Snapshot.TakeAsync(database, cancellation);
        var server = await Service.StartAsync(database, cancellation);
        return new DrivenService(server, database, await server.TokenAsync(cancellation), isRestored, (int)stored);
    }

    /// <summary>R1: results of stored sessions are read.</summary>
    /// <returns>How many a second.</returns>
    public Task<double> ReadAsync(int connections, TimeSpan warmUp, TimeSpan duration, CancellationToken cancellation) =>
        ReadAsync([.. Enumerable.Range(0, _stored).Select(session => Sessions.Id(session))], Sessions.Lines(0), connections, warmUp, duration, cancellation);

    /// <summary>R1 of some sessions.</summary>
    /// <param name="sessions">Which.</param>
    /// <param name="first">The events of the first of them, as far as is known.</param>
    /// <param name="connections">How many ask at once.</param>
    /// <param name="warmUp">What is not counted.</param>
    /// <param name="duration">What is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>How many a second.</returns>
    public async Task<double> ReadAsync(IReadOnlyList<Guid> sessions, IEnumerable<string> first, int connections, TimeSpan warmUp, TimeSpan duration, CancellationToken cancellation)
    {
        using var http = await _server.ConnectAsync(connections, _token, cancellation);
        await CheckAsync(http, sessions[0], first, cancellation);
        var choices = Enumerable.Range(0, connections).Select(connection => new Random(connection)).ToArray();
        return await Load.RateAsync(connections, warmUp, duration, AskAsync, cancellation);

        async Task<int> AskAsync(int connection, int n)
        {
            var session = sessions[choices[connection].Next(sessions.Count)].ToString();
            var body = await http.GetByteArrayAsync(PathOf(session), cancellation);
            return body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(session)) >= 0 ? 1 : throw new InvalidOperationException($"This is not session {session}: {Encoding.UTF8.GetString(body)}");
        }
    }

    /// <summary>W1: new sessions are written, each connection one after the other, event by event.</summary>
    /// <returns>How many events a second.</returns>
    public async Task<double> WriteAsync(int connections, TimeSpan warmUp, TimeSpan duration, CancellationToken cancellation)
    {
        double rate;
        using (var http = await _server.ConnectAsync(connections, _token, cancellation))
        {
            var events = Enumerable.Range(0, connections).Select(_ => NewEvents().GetEnumerator()).ToArray();
            rate = await Load.RateAsync(connections, warmUp, duration, TellAsync, cancellation);

            async Task<int> TellAsync(int connection, int n)
            {
                events[connection].MoveNext();
                await AppendAsync(http, events[connection].Current, cancellation);
                return 1;
            }
        }

        // Whoever is measured next is not to pay for these sessions' totals.
        await Fill.CountedAsync(_database, cancellation);
        if (_isRestored)
            await Snapshot.RestoreAsync(_database, cancellation);
        return rate;
    }

    /// <summary>A client of so many connections.</summary>
    public Task<HttpClient> ConnectAsync(int connections, CancellationToken cancellation) => _server.ConnectAsync(connections, _token, cancellation);

    /// <summary>Sends an event that is new, and returns when it is stored.</summary>
    public static Task AppendAsync(HttpClient http, string cloudEvent, CancellationToken cancellation) =>
        Sending.AcceptedAsync(http, "The service", Encoding.UTF8.GetBytes(cloudEvent), Sending.OneEvent, 1, cancellation);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    // Right answers once: in the load only whose they are is looked at, so that the client costs little.
    private static async Task CheckAsync(HttpClient http, Guid session, IEnumerable<string> lines, CancellationToken cancellation)
    {
        var events = lines.Chunk(CloudEventReader.MaxEvents).SelectMany(chunk => CloudEventReader.Read(Encoding.UTF8.GetBytes($"[{string.Join(',', chunk)}]"), CloudEventShapes.Batch).Events);
        var expected = SessionResultFold.Fold(session, null, events.Select(incoming => new RecordedEvent(new EventOrder(incoming.Time, incoming.Id), incoming.Data))).Body;
        using var body = JsonDocument.Parse(await http.GetByteArrayAsync(PathOf(session.ToString()), cancellation));
        if (!JsonElement.DeepEquals(body.RootElement, JsonSerializer.SerializeToElement(expected, Json.Of<SessionBody>())))
            throw new InvalidOperationException($"Session {session} is not answered as its events fold.");
    }

    private static Uri PathOf(string session) => new($"/api/v3/sessionResults/{session}", UriKind.Relative);

    private IEnumerable<string> NewEvents()
    {
        while (true)
        {
            foreach (var line in Sessions.Lines(Interlocked.Increment(ref _next) - 1))
                yield return line;
        }
    }
}
