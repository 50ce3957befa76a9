using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>
/// An account that does the worst it can within the limits of its client: floods of whole batches, a session that becomes a giant, exports and lists without end, silent requests of lines, bodies that trickle,
/// refusals that name as much as they can, scores of all sizes, and wrong secrets. What it is told is counted and ignored. Owns its connections and tasks.
/// </summary>
internal sealed class Attack : IAsyncDisposable
{
    private const string Client = "attacker";
    private const string Account = "b0000000-0000-4000-8000-0000000000ff";
    private const string Workspace = "b0000000-0000-4000-8000-0000000000fa";
    private const string TestId = "b0000000-0000-4000-8000-0000000000fb";

    private static readonly Uri Events = new("/api/v2/sessionEvents", UriKind.Relative);

    private readonly CancellationTokenSource _end;
    private readonly HttpClient _http;
    private readonly ConcurrentDictionary<(string What, string Answer), int> _answers = new();
    private Task _running = Task.CompletedTask;

    private Attack(HttpClient http, CancellationToken cancellation) =>
        (_http, _end) = (http, CancellationTokenSource.CreateLinkedTokenSource(cancellation));

    /// <summary>The settings of a service that knows the account, with the limits of any client.</summary>
    public static IEnumerable<(string Name, string Value)> Settings() =>
    [
        ("Clients__1__Id", Client), ("Clients__1__SecretHash", Access.SecretHash.Of(Service.Secret)), ("Clients__1__Account", Account),
        ("Clients__1__Workspaces__0", Workspace), ("Clients__1__Scopes__0", "events:write"), ("Clients__1__Scopes__1", "studies:read"),
        ("Clients__1__ReadsPerMinute", "600"), ("Clients__1__WritesPerMinute", "6000"),
    ];

    /// <summary>Begins, and goes on until it is disposed.</summary>
    public static async Task<Attack> BeginAsync(Server server, CancellationToken cancellation)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1_000, UseProxy = false, ActivityHeadersPropagator = null })
        {
            BaseAddress = server.Address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await server.TokenAsync(cancellation, Client));
        var attack = new Attack(http, cancellation);
        attack._running = Task.WhenAll(attack.Ways().Select(way => Task.Run(() => attack.RepeatAsync(way.What, way.Act), CancellationToken.None)));
        return attack;
    }

    /// <summary>What it was told, by what it did.</summary>
    public override string ToString() => "The attack was told: " + string.Join("; ", _answers
        .GroupBy(answer => answer.Key.What).OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => $"{group.Key} {string.Join(", ", group.OrderBy(answer => answer.Key.Answer, StringComparer.Ordinal).Select(answer => $"{answer.Key.Answer} × {answer.Value.ToString(CultureInfo.InvariantCulture)}"))}"));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _http.Dispose();
        _end.Dispose();
    }

    private IEnumerable<(string What, Func<Task<string>> Act)> Ways()
    {
        var giant = Guid.NewGuid();
        var names = "[" + string.Join(',', Enumerable.Range(0, 4_000).Select(i => $$"""{"{{new string('n', 900)}}{{i}}":1}""")) + "]";
        return
        [
            .. Many(16, "floods", () => PostAsync(Batch(Enumerable.Range(0, 1_000).Select(_ => Event(Guid.NewGuid(), "TaskAnswered", Answer("x")))))),
            .. Many(2, "giant", () => PostAsync(Batch([Event(giant, "TaskAnswered", Answer(new string('g', 100_000)))]))),
            .. Many(2, "scores", () => PostAsync(Batch([Started(giant), Event(giant, "TaskGroupScored", Scores())]))),
            .. Many(2, "refusals", () => PostAsync(names)),
            .. Many(50, "exports", () => GetAsync($"/api/v3/testResults/{TestId}/sessionResults?status=IN_PROGRESS")),
            .. Many(8, "lists", () => GetAsync($"/api/v2/sessionResults?testId={TestId}&limit=500&status=IN_PROGRESS")),
            .. Many(4, "reels", () => GetAsync($"/api/v2/testResults/{TestId}/highlightreels")),
            .. Many(2, "reads of the giant", () => GetAsync($"/api/v3/sessionResults/{giant}")),
            .. Many(200, "silent lines", () => PostAsync(new SlowContent("\n", everySeconds: null, _end.Token), "application/x-ndjson")),
            .. Many(100, "trickles", () => PostAsync(new SlowContent(new string(' ', 1024 * 1024), everySeconds: 1, _end.Token), Sending.Batch)),
            .. Many(2, "wrong secrets", WrongSecretAsync),
        ];

        static IEnumerable<(string, Func<Task<string>>)> Many(int count, string what, Func<Task<string>> act) => Enumerable.Repeat((what, act), count);
    }

    private async Task RepeatAsync(string what, Func<Task<string>> act)
    {
        while (!_end.IsCancellationRequested)
        {
            string answer;
            try
            {
                answer = await act();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                answer = e is OperationCanceledException ? "unfinished" : "broken off";
            }

            _answers.AddOrUpdate((what, answer), 1, static (_, count) => count + 1);
            // Whoever is refused asks again, but not only for refusals.
            if (answer is not "200")
                await Task.Delay(20, CancellationToken.None);
        }
    }

    private Task<string> PostAsync(string body) => PostAsync(new StringContent(body, Encoding.UTF8), Sending.Batch);

    private async Task<string> PostAsync(HttpContent content, string type)
    {
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var request = new HttpRequestMessage(HttpMethod.Post, Events) { Content = content };
        return await SendAsync(request);
    }

    private async Task<string> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        return await SendAsync(request);
    }

    private async Task<string> WrongSecretAsync()
    {
        using var form = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("client_id", Client), new("client_secret", Guid.NewGuid().ToString())]);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/oauth2/token", UriKind.Relative)) { Content = form };
        return await SendAsync(request);
    }

    private async Task<string> SendAsync(HttpRequestMessage request)
    {
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _end.Token);
        await using var body = await answer.Content.ReadAsStreamAsync(_end.Token);
        await body.CopyToAsync(Stream.Null, _end.Token);
        return ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
    }

    private static string Batch(IEnumerable<string> events) => $"[{string.Join(',', events)}]";

    private static string Started(Guid session) => Event(session, "SessionStarted", $$"""{"workspaceId":"{{Workspace}}","testId":"{{TestId}}","productType":"NON_THINK_OUT_LOUD","startedAt":"2026-03-02T09:00:00Z"}""");

    private static string Answer(string text) => $$"""{"taskId":"{{Guid.NewGuid()}}","position":1,"text":"Question","startTimeMs":0,"endTimeMs":9,"answer":{"type":"WRITTEN","text":"{{text}}"} }""";

    private static string Scores() => $$"""{"taskGroupId":"{{Guid.NewGuid()}}","label":"Checkout","score":50,"components":{"behavioral":50,"attitudinal":50},"values":{"behavioral":[{{string.Join(',', Enumerable.Repeat("12.5", 10_000))}}],"usability":1,"trust":1,"appearance":1,"loyalty":1} }""";

    private static string Event(Guid session, string type, string data) =>
        $$"""{"specversion":"1.0","id":"{{Guid.NewGuid()}}","source":"/recorder/web/4.2.0","type":"results.{{type}}.v1","subject":"{{session}}","time":"2026-03-02T09:00:00Z","data":{{data}}}""";

    /// <summary>A body that begins and does not end: silent, or a byte now and then.</summary>
    private sealed class SlowContent(string begin, int? everySeconds, CancellationToken end) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(begin), end);
            await stream.FlushAsync(end);
            if (everySeconds is null)
                await Task.Delay(Timeout.InfiniteTimeSpan, end);
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(everySeconds!.Value), end);
                await stream.WriteAsync(new byte[] { (byte)' ' }, end);
                await stream.FlushAsync(end);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
