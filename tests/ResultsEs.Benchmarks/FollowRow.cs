using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>
/// F2: from the answer to a writer until a reader has it who waits for changes of one test, and until a webhook of that test has brought it: alone, and while sixteen connections write other sessions of the account as fast as they can (W1).
/// </summary>
internal static class FollowRow
{
    public const string Name = "F2";

    private const int Writers = 16;
    private const int Probes = 200;
    private const int WarmUps = 20;

    // Behind all that the writers send.
    private const int ProbeSession = 5_000_000;

    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(40);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("f2", cancellation);
        await using var endpoint = await HookEndpoint.StartAsync(cancellation);
        await using var service = await Service.StartAsync(
            database, cancellation, ("Webhooks__AllowedNetworks__0", "127.0.0.0/8"), ("SSL_CERT_FILE", endpoint.CertificatePath), ("Clients__0__Scopes__2", "webhooks:write"));
        var token = await service.TokenAsync(cancellation);
        using var probe = await service.ConnectAsync(1, token, cancellation);
        using var reader = await service.ConnectAsync(1, token, cancellation);
        using var writers = await service.ConnectAsync(Writers, token, cancellation);
        var (sessions, probed) = (0, 0);
        var test = Sessions.TestId(ProbeSession);
        var (alone, beside) = (new List<Latencies>(), new List<Latencies>());
        await SubscribeAsync();
        await ProbeAsync(WarmUps);
        for (var round = 0; round < options.RoundsOf(); round++)
        {
            alone.Add(await ProbeAsync(Probes));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => WriteAsync(stop.Token)));
            await ProbeAsync(WarmUps);
            beside.Add(await ProbeAsync(Probes));
            await stop.CancelAsync();
            await writing;
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1}, median and p99: alone {alone[^1]}, beside writers {beside[^1]}"));
        }

        return [Row("median", 0.5), Row("p99", 0.99)];

        ResultRow Row(string name, double part) => new(
            $"{Name}/{name}", $"from a writer's answer to who waits, {name}", "ms", Goal: null,
            [
                new("a reader, alone", [.. alone.Select(all => Of(all.Reader, part))]),
                new("a reader, beside 16 writers", [.. beside.Select(all => Of(all.Reader, part))], service.PeakBytes),
                new("a webhook's endpoint, alone", [.. alone.Select(all => Of(all.Webhook, part))]),
                new("a webhook's endpoint, beside 16 writers", [.. beside.Select(all => Of(all.Webhook, part))]),
            ]);

        async Task SubscribeAsync()
        {
            using var body = new StringContent($$"""{"url": "{{endpoint.Url}}", "kinds": ["session.updated"], "testId": "{{test}}", "content": "THIN"}""", Encoding.UTF8, "application/json");
            using var made = await probe.PostAsync(new Uri("/api/v3/webhooks", UriKind.Relative), body, cancellation);
            if (made.StatusCode != HttpStatusCode.Created)
                throw new InvalidOperationException($"The webhook was answered {made.StatusCode}: {await made.Content.ReadAsStringAsync(cancellation)}");
        }

        async Task WriteAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                foreach (var e in Sessions.Events(Interlocked.Increment(ref sessions)))
                    await Sending.AcceptedAsync(writers, "the service", e, Sending.OneEvent, 1, cancellation);
            }
        }

        // A session each time: its events are known, and its test is no writer's.
        async Task<Latencies> ProbeAsync(int count)
        {
            var session = ProbeSession + probed++;
            var (answered, received) = (new ConcurrentDictionary<int, long>(), new ConcurrentDictionary<int, long>());
            var events = Sessions.Long(session, 0, count + 1).Select(Encoding.UTF8.GetBytes).ToList();
            await Sending.AcceptedAsync(probe, "the service", OfTest(events[0], session, test), Sending.OneEvent, 1, cancellation);
            var reading = ReadAsync(session, count + 1, received);
            for (var n = 1; n <= count; n++)
            {
                await Sending.AcceptedAsync(probe, "the service", events[n], Sending.OneEvent, 1, cancellation);
                answered[n + 1] = Stopwatch.GetTimestamp();
                await Task.Delay(BetweenProbes, cancellation);
            }

            await reading;
            var told = await endpoint.UntilAsync(Sessions.Id(session), count + 1, cancellation);
            return new Latencies(Between(answered, received), Between(answered, told));
        }

        async Task ReadAsync(int session, int last, ConcurrentDictionary<int, long> received)
        {
            for (var (cursor, version) = ("", 0); version < last;)
            {
                using var answer = await reader.GetAsync(new Uri($"/api/v3/changes?testId={test}&limit=500&wait=20{cursor}", UriKind.Relative), cancellation);
                var now = Stopwatch.GetTimestamp();
                if (answer.StatusCode != HttpStatusCode.OK)
                    throw new InvalidOperationException($"The feed has answered {answer.StatusCode}.");

                var page = System.Text.Json.Nodes.JsonNode.Parse(await answer.Content.ReadAsByteArrayAsync(cancellation))!;
                cursor = $"&after={(string)page["nextCursor"]!}";
                foreach (var change in page["changes"]!.AsArray().Where(change => (Guid)change!["sessionId"]! == Sessions.Id(session)))
                    received[version = (int)change!["version"]!] = now;
            }
        }
    }

    private static byte[] OfTest(byte[] started, int session, Guid test) =>
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(started).Replace(Sessions.TestId(session / 500).ToString(), test.ToString(), StringComparison.Ordinal));

    /// <summary>In milliseconds, those of versions that came by themselves.</summary>
    private static double[] Between(IReadOnlyDictionary<int, long> answered, IReadOnlyDictionary<int, long> received) =>
        [.. answered.Where(one => received.ContainsKey(one.Key)).Select(one => Math.Max(0, Stopwatch.GetElapsedTime(one.Value, received[one.Key]).TotalMilliseconds)).Order()];

    private static double Of(double[] ordered, double part) => ordered[Math.Min(ordered.Length - 1, (int)(ordered.Length * part))];

    /// <summary>Latencies in milliseconds, the least first.</summary>
    private sealed record Latencies(double[] Reader, double[] Webhook)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"reader {Of(Reader, 0.5):N1} and {Of(Reader, 0.99):N1} ms, webhook {Of(Webhook, 0.5):N1} and {Of(Webhook, 0.99):N1} ms ({Webhook.Length} messages)");
    }
}
