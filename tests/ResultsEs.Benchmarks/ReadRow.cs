using System.Globalization;
using System.Net;
using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>
/// R1: one result is read over HTTP, each time another, with authentication and rate limiting; in v3's words, and in v2's as a row of its own. The servers stand side by side over all rounds, and
/// are asked one after the other.
/// </summary>
internal static class ReadRow
{
    public const string Name = "R1";

    private const int Connections = 16;
    private const int MostSessions = 2_000;
    private const int Checked = 25;
    private const int LeastLength = 1_000;

    // In each round. They are short, so that what else the machine does meets all.
    private const int Turns = 4;

    // Until the runtime has compiled what is hot for good; most of it is hot when v2's turn comes.
    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan FirstWarmUpV2 = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Counted = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = Math.Min(options.Events / Sessions.EventsPerSession, MostSessions);
        var database = await postgres.CreateDatabaseAsync("r1", cancellation);
        await Fill.WithAsync(database, sessions, cancellation);
        await using var floor = await Service.StartOtherAsync(ReadFloor.Argument, Name, database, cancellation);
        await using var project = await Service.StartAsync(database, cancellation);
        await using var marten = await Service.StartOtherAsync(MartenReads.Argument, Name, database, cancellation);
        await using var entityFramework = await Service.StartOtherAsync(EntityFrameworkReads.Argument, Name, database, cancellation);
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);

        var token = await project.TokenAsync(cancellation);
        var v3 = new List<Reads>();
        var v2 = new List<Reads>();
        try
        {
            foreach (var (who, server) in new[] { ("prepared statement behind Kestrel, by hand", floor), ("GET /api/v3/sessionResults/{id}", project), ("Marten behind ASP.NET Core", marten), ("EF Core behind ASP.NET Core", entityFramework) })
                v3.Add(await Reads.OfAsync(who, server, "v3", sessions, token, cancellation));
            foreach (var (who, server) in new[] { ("prepared statement behind Kestrel, v2 by spans", floor), ("GET /api/v2/sessionResults/{id}", project) })
                v2.Add(await Reads.OfAsync(who, server, "v2", sessions, token, cancellation));

            await CheckAsync(v3, v2, sessions, cancellation);
            // Both before either counts: once they have read v2, PostgreSQL's processes fault for no page any more (probably malloc's M_TRIM_THRESHOLD, mallopt(3)), which saves reads of v3 a seventh of its work.
            foreach (var reads in v3)
                await reads.WarmUpAsync(FirstWarmUp, cancellation);
            foreach (var reads in v2)
                await reads.WarmUpAsync(FirstWarmUpV2, cancellation);
            for (var round = 0; round < options.Rounds; round++)
            {
                await TakeTurnsAsync(v3, cancellation);
                await TakeTurnsAsync(v2, cancellation);
                Console.Error.WriteLine($"{Name}, round {round + 1} of {options.Rounds}: {string.Join(", ", v3.Concat(v2).Select(reads => string.Create(CultureInfo.InvariantCulture, $"{reads.Who} {reads.Rates[^1]:N0}/s")))}");
            }

            return
            [
                new ResultRow(Name, "read one result over HTTP, v3", "requests/s", new Goal(AtLeast: 0.9, AtMost: null), [.. v3.Select(reads => reads.Result())]),
                new ResultRow("R1v2", "read one result over HTTP, v2", "requests/s", Goal: null, [.. v2.Select(reads => reads.Result())]),
            ];
        }
        finally
        {
            v3.Concat(v2).ToList().ForEach(reads => reads.Dispose());
        }
    }

    private static async Task TakeTurnsAsync(List<Reads> all, CancellationToken cancellation)
    {
        for (var turn = 0; turn < Turns; turn++)
        {
            foreach (var reads in all)
                await reads.MeasureAsync(cancellation);
        }
    }

    private static async Task CheckAsync(List<Reads> v3, List<Reads> v2, int sessions, CancellationToken cancellation)
    {
        for (var i = 0; i < Checked; i++)
        {
            var session = Random.Shared.Next(sessions);
            var expected = await v3[1].GetAsync(session, cancellation);
            var sent = await v3[0].GetAsync(session, cancellation);
            if (!expected.AsSpan().SequenceEqual(sent))
                throw new InvalidOperationException($"The floor sends other bytes of session {Sessions.Id(session)} than the project ({sent.Length} and {expected.Length}).");
            foreach (var peer in v3.Skip(2))
                await IsSameAsync(peer, session, expected);
            await IsSameAsync(v2[0], session, await v2[1].GetAsync(session, cancellation));
        }

        // One that shows what is not the caller's, or to nobody, would be fast as well.
        foreach (var reads in v3.Concat(v2))
            await reads.RefusesAsync(sessions, cancellation);

        async Task IsSameAsync(Reads reads, int session, byte[] expected)
        {
            using var wanted = JsonDocument.Parse(expected);
            using var sent = JsonDocument.Parse(await reads.GetAsync(session, cancellation));
            if (!JsonElement.DeepEquals(wanted.RootElement, sent.RootElement))
                throw new InvalidOperationException($"{reads.Who} says other things of session {Sessions.Id(session)} than the project.");
        }
    }

    /// <summary>Reads of one server, in the words of one version.</summary>
    private sealed class Reads : IDisposable
    {
        private const int BufferBytes = 64 * 1024;

        private readonly Server _server;
        private readonly HttpClient _http;
        private readonly string _prefix;
        private readonly Uri[] _addresses;
        private readonly byte[][] _buffers = [.. Enumerable.Range(0, Connections).Select(_ => new byte[BufferBytes])];
        private readonly Random[] _random = [.. Enumerable.Range(0, Connections).Select(seed => new Random(seed))];

        private Reads(string who, Server server, HttpClient http, string version, int sessions)
        {
            (Who, _server, _http, _prefix) = (who, server, http, $"{server.Address}api/{version}/sessionResults/");
            _addresses = [.. Enumerable.Range(0, sessions).Select(session => AddressOf(Sessions.Id(session)))];
        }

        public string Who { get; }

        public List<double> Rates { get; } = [];

        public static async Task<Reads> OfAsync(string who, Server server, string version, int sessions, string token, CancellationToken cancellation) =>
            new(who, server, await server.ConnectAsync(Connections, token, cancellation), version, sessions);

        public Task<byte[]> GetAsync(int session, CancellationToken cancellation) => _http.GetByteArrayAsync(_addresses[session], cancellation);

        public async Task RefusesAsync(int sessions, CancellationToken cancellation)
        {
            using (var unknown = await _http.GetAsync(AddressOf(Sessions.Id(sessions)), cancellation))
                Expect(HttpStatusCode.NotFound, unknown.StatusCode);
            using var stranger = new HttpClient();
            using var refused = await stranger.GetAsync(_addresses[0], cancellation);
            Expect(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        public Task WarmUpAsync(TimeSpan duration, CancellationToken cancellation) => RateAsync(TimeSpan.Zero, duration, cancellation);

        public async Task MeasureAsync(CancellationToken cancellation) => Rates.Add(await RateAsync(WarmUp, Counted, cancellation));

        public Contestant Result() => new(Who, Rates, _server.PeakBytes);

        public void Dispose() => _http.Dispose();

        private Task<double> RateAsync(TimeSpan warmUp, TimeSpan counted, CancellationToken cancellation) =>
            Load.RateAsync(Connections, warmUp, counted, (connection, _) => AskAsync(connection, cancellation), cancellation);

        private async Task<int> AskAsync(int connection, CancellationToken cancellation)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _addresses[_random[connection].Next(_addresses.Length)]);
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            Expect(HttpStatusCode.OK, answer.StatusCode);
            await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
            var length = await body.ReadAtLeastAsync(_buffers[connection], BufferBytes, throwOnEndOfStream: false, cancellation);
            return length > LeastLength && (answer.Content.Headers.ContentLength is not { } said || said == length)
                ? 1
                : throw new InvalidOperationException($"{Who} has sent {length} bytes.");
        }

        private void Expect(HttpStatusCode expected, HttpStatusCode actual)
        {
            if (actual != expected)
                throw new InvalidOperationException($"{Who} has answered {actual}, not {expected}.");
        }

        private Uri AddressOf(Guid session) => new($"{_prefix}{session}");
    }
}
