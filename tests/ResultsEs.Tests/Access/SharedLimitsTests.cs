using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.Hosting;
using StackExchange.Redis;

namespace ResultsEs.Tests.Access;

/// <summary>Limits of nodes that share a Redis. The nodes' own clocks stand still.</summary>
public sealed class SharedLimitsTests : IAsyncDisposable
{
    private const string KeyOfReads = "results-es:limits:r account-one";

    // A machine that is busy with other tests must not look like a Redis that is slow.
    private const string Patient = ",asyncTimeout=30000";

    private static readonly Uri Read = new("/caller", UriKind.Relative);
    private static readonly Uri Write = new("/api/v2/sessionEvents", UriKind.Relative);

    private readonly List<Node> _nodes = [];
    private TestRedis? _redis;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        if (_redis is not null)
            await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Exactly_the_permitted_number_passes_over_two_nodes_when_all_come_at_once()
    {
        var redis = await RedisAsync();
        Node[] nodes = [await NodeAsync(redis), await NodeAsync(redis)];

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => nodes[i % 2].Http.GetAsync(Read, Cancel), Cancel)));

        Assert.Equal((10, 40), (answers.Count(a => a.StatusCode == HttpStatusCode.OK), answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests)));
        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => i.ToString(CultureInfo.InvariantCulture)),
            answers.Where(a => a.StatusCode == HttpStatusCode.OK).Select(a => a.Headers.GetValues("x-ratelimit-remaining").Single()).Order(StringComparer.Ordinal));
        Assert.All(nodes, node => Assert.Empty(node.Said));
    }

    [Fact]
    public async Task What_is_left_and_for_how_long_is_told_of_the_shared_window()
    {
        var redis = await RedisAsync();
        var (one, two) = (await NodeAsync(redis), await NodeAsync(redis));
        var database = await redis.OpenAsync();
        await ToldAsync(one);
        Assert.InRange((await database.KeyTimeToLiveAsync(KeyOfReads))!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(60));

        await database.KeyExpireAsync(KeyOfReads, TimeSpan.FromSeconds(31));
        var (second, third) = (await ToldAsync(two), await ToldAsync(one));
        for (var i = 3; i < 10; i++)
            await ToldAsync(one);
        var refused = await ToldAsync(two);

        Assert.Equal(
            [
                "200 10/8/T | \"default\";q=10;w=60 | \"default\";r=8;t=T | ",
                "200 10/7/T | \"default\";q=10;w=60 | \"default\";r=7;t=T | ",
                "429 10/0/T | \"default\";q=10;w=60 | \"default\";r=0;t=T | T",
            ],
            [WithoutTime(second), WithoutTime(third), WithoutTime(refused)]);
        Assert.All([second, third, refused], told => Assert.InRange(Reset(told), 1, 31));
    }

    [Fact]
    public async Task A_window_that_ends_ends_for_all_nodes_and_the_next_request_opens_one()
    {
        var redis = await RedisAsync();
        var (one, two) = (await NodeAsync(redis, reads: 1), await NodeAsync(redis, reads: 1));
        Assert.StartsWith("200 1/0/", await ToldAsync(one), StringComparison.Ordinal);
        Assert.StartsWith("429 1/0/", await ToldAsync(two), StringComparison.Ordinal);

        // Sixty seconds of it at once.
        await (await redis.OpenAsync()).KeyExpireAsync(KeyOfReads, TimeSpan.FromMilliseconds(1));
        await Wait.UntilAsync(async () => (await ToldAsync(two)).StartsWith("200 1/0/", StringComparison.Ordinal));

        Assert.StartsWith("429 1/0/", await ToldAsync(one), StringComparison.Ordinal);
        Assert.InRange((await (await redis.OpenAsync()).KeyTimeToLiveAsync(KeyOfReads))!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Reads_writes_clients_and_addresses_are_counted_apart_and_Redis_holds_nothing_else_and_nothing_longer()
    {
        var redis = await RedisAsync();
        var (one, two) = (await NodeAsync(redis), await NodeAsync(redis));
        using var other = await two.Host.ClientAsync(TestClients.OtherAccount);

        Assert.Equal(
            ["200 10/9/T", "200 6000/5999/T", "200 10/9/T", "401 600/599/T"],
            [
                await LeftAsync(one.Http.GetAsync(Read, Cancel)), await LeftAsync(two.Http.PostAsync(Write, content: null, Cancel)),
                await LeftAsync(other.GetAsync(Read, Cancel)), await LeftAsync(one.Host.Anonymous().GetAsync(Read, Cancel)),
            ]);
        var database = await redis.OpenAsync();
        var keys = ((RedisResult[])(await database.ExecuteAsync("KEYS", "*"))!).Select(key => (string)key!).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(["a unknown", "probe", "r account-one", "r account-two", "t account-one", "t account-two", "w account-one"], keys.Select(key => key.Replace("results-es:limits:", "", StringComparison.Ordinal)));
        foreach (var key in keys)
            Assert.InRange((await database.KeyTimeToLiveAsync(key))!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Health_is_never_refused_takes_nothing_and_tells_of_the_shared_window()
    {
        var redis = await RedisAsync();
        var one = await NodeAsync(redis);
        var two = await NodeAsync(redis);

        Assert.Equal(["401 600/599/T", "200 600/599/T", "200 600/599/T"],
            [await LeftAsync(two.Host.Anonymous().GetAsync(Read, Cancel)), await LeftAsync(HealthAsync(one)), await LeftAsync(HealthAsync(two))]);
        Assert.StartsWith("200 600/600/60 ", await RateLimitsTests.Told(HealthAsync(await NodeAsync(redis, database: 1, ask: false))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scripts_that_Redis_forgot_are_sent_again()
    {
        var redis = await RedisAsync();
        var node = await NodeAsync(redis);
        Assert.StartsWith("200 10/9/", await ToldAsync(node), StringComparison.Ordinal);

        await (await redis.OpenAsync()).ExecuteAsync("SCRIPT", "FLUSH");

        Assert.StartsWith("200 10/8/", await ToldAsync(node), StringComparison.Ordinal);
        Assert.Empty(node.Said);
    }

    [Fact]
    public async Task Without_Redis_each_node_limits_by_itself_and_with_it_again_they_share()
    {
        var redis = await RedisAsync();
        Node[] nodes = [await NodeAsync(redis), await NodeAsync(redis)];
        Assert.StartsWith("200 10/9/", await ToldAsync(nodes[0]), StringComparison.Ordinal);
        Assert.All(await HealthOfAsync(nodes), health => Assert.Equal("Healthy ", health));

        await redis.KillAsync();

        foreach (var node in nodes)
            await LimitsByItselfAsync(node);
        Assert.All(await HealthOfAsync(nodes), health => Assert.Equal("Degraded Redis does not answer; this node limits requests by itself.", health));
        await SayTheyAreAloneAsync(nodes);

        await redis.StartAsync();

        await SharesAgainAsync(nodes);
        Assert.StartsWith("200 10/9/", await ToldAsync(nodes[0]), StringComparison.Ordinal);
        Assert.StartsWith("200 10/8/", await ToldAsync(nodes[1]), StringComparison.Ordinal);
        await SayTheyShareAsync(nodes);
    }

    [Fact]
    public async Task A_node_that_starts_before_Redis_limits_by_itself_until_it_is_there()
    {
        var redis = await RedisAsync();
        await redis.KillAsync();
        var node = await NodeAsync(redis);

        await LimitsByItselfAsync(node);
        Assert.Equal(["Degraded Redis does not answer; this node limits requests by itself."], await HealthOfAsync(node));
        await SayTheyAreAloneAsync(node);

        await redis.StartAsync();

        await SharesAgainAsync(node);
        Assert.StartsWith("200 10/9/", await ToldAsync(node), StringComparison.Ordinal);
        await SayTheyShareAsync(node);
    }

    /// <summary>The library would wait longer than the test does.</summary>
    [Fact]
    public async Task A_Redis_that_hangs_is_one_that_is_away()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        var redis = await RedisAsync();
        var node = await NodeAsync(redis, patience: ",asyncTimeout=100,syncTimeout=90000");
        node.Http.Timeout = TimeSpan.FromSeconds(60);

        await redis.HoldAsync();

        await LimitsByItselfAsync(node);
        Assert.Equal(["Degraded Redis does not answer; this node limits requests by itself."], await HealthOfAsync(node));

        await redis.ReleaseAsync();

        await SharesAgainAsync(node);
    }

    [Fact]
    public async Task A_Redis_that_answers_and_does_not_count_is_one_that_is_away()
    {
        var redis = await RedisAsync();
        var node = await NodeAsync(redis);
        var database = await redis.OpenAsync();

        await database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        await LimitsByItselfAsync(node);
        Assert.Equal(["Degraded Redis does not answer; this node limits requests by itself."], await HealthOfAsync(node));
        var asked = await AskedAsync();
        await Wait.UntilAsync(async () => await AskedAsync() > asked + 1);
        await SayTheyAreAloneAsync(node);

        await database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");

        await SharesAgainAsync(node);
        Assert.StartsWith("200 10/9/", await ToldAsync(node), StringComparison.Ordinal);
        await SayTheyShareAsync(node);

        // How often the node has run a script, in vain or not.
        async Task<int> AskedAsync() =>
            ((string)(await database.ExecuteAsync("INFO", "commandstats"))!).Split('\n').Where(line => line.StartsWith("cmdstat_evalsha:calls=", StringComparison.Ordinal))
                .Sum(line => int.Parse(line.Split('=')[1].Split(',')[0], CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("password=hush")]
    [InlineData("localhost:6379,password=hu,sh=hush")]
    [InlineData("redis://:hush@localhost:6379")]
    [InlineData("localhost:hush")]
    [InlineData("localhost:6379,asyncTimeout=hush")]
    public void A_setting_that_is_no_connection_string_is_refused_and_not_repeated(string setting)
    {
        var failure = Assert.Throws<StartupException>(() => SharedWindows.ReadSetting(Configured(setting)));

        Assert.Equal("ConnectionStrings__redis is not a connection string that StackExchange.Redis understands, such as localhost:6379,password=….", failure.Message);
        Assert.Null(failure.InnerException);
    }

    [Fact]
    public void The_setting_says_where_Redis_is_and_may_say_how_long_to_wait()
    {
        var read = SharedWindows.ReadSetting(Configured("one:6379,two:6380,password=hush,abortConnect=true"))!;

        Assert.Equal(("one:6379 two:6380", "hush", 100, false), (string.Join(' ', read.EndPoints.Select(EndPointCollection.ToString)), read.Password, read.AsyncTimeout, read.AbortOnConnectFail));
        Assert.Equal(250, SharedWindows.ReadSetting(Configured("one,asyncTimeout=250"))!.AsyncTimeout);
        Assert.Null(SharedWindows.ReadSetting(Configured(" ")));
        Assert.Null(SharedWindows.ReadSetting(Configured(null)));
    }

    private static IConfiguration Configured(string? setting) => new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:redis", setting)]).Build();

    private async Task<TestRedis> RedisAsync() => _redis = await TestRedis.StartNewAsync();

    private async Task<Node> NodeAsync(TestRedis redis, int reads = 10, string patience = Patient, int database = 0, bool ask = true)
    {
        var said = new Recorded();
        var host = await AccessHost.StartAsync(
            [new("Management:Url", Operators.AnyPort), new("ConnectionStrings:redis", redis.ConnectionString + patience + $",defaultDatabase={database}"), new("RateLimiting:ReadsPerMinute", reads.ToString(CultureInfo.InvariantCulture))],
            services: services =>
            {
                services.AddHealthChecks().AddCheck<LimitsHealth>("limits");
                services.AddSingleton<ILoggerProvider>(said);
            });
        var node = new Node(host, ask ? await host.ClientAsync() : host.Anonymous(), said);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Its own windows begin anew when Redis goes, so exactly as many pass as one node permits.</summary>
    private static async Task LimitsByItselfAsync(Node node)
    {
        var told = new List<string>();
        for (var i = 0; i < 11; i++)
            told.Add(await ToldAsync(node));
        Assert.Equal(
            [
                .. Enumerable.Range(0, 10).Select(i => $"200 10/{9 - i}/60 | \"default\";q=10;w=60 | \"default\";r={9 - i};t=60 | "),
                "429 10/0/60 | \"default\";q=10;w=60 | \"default\";r=0;t=60 | 60",
            ],
            told);
    }

    /// <summary>
    /// For good: a connection that has just come back may be lost once more, because the library gives up an attempt to connect that takes longer than a second just as it succeeds. It looks
    /// once a second, as the nodes do.
    /// </summary>
    private static async Task SharesAgainAsync(params Node[] nodes)
    {
        var healthy = Stopwatch.StartNew();
        await Wait.UntilAsync(async () =>
        {
            if (!(await HealthOfAsync(nodes)).All(health => string.Equals(health, "Healthy ", StringComparison.Ordinal)))
                healthy.Restart();
            return healthy.Elapsed > TimeSpan.FromSeconds(1.5);
        });
    }

    /// <summary>That is all they say. The state changes just before it is said.</summary>
    private static async Task SayTheyAreAloneAsync(params Node[] nodes)
    {
        await Wait.UntilAsync(() => nodes.All(node => node.Said.Any()));
        Assert.All(nodes, node => Assert.Equal(["Warning 1002"], node.Said));
    }

    /// <summary>As often as Redis went it came back, and each is said once.</summary>
    private static async Task SayTheyShareAsync(params Node[] nodes)
    {
        await Wait.UntilAsync(() => nodes.All(node => node.Said.Any() && node.Said.Count() % 2 == 0));
        Assert.All(nodes, node => Assert.Equal(Enumerable.Range(0, node.Said.Count()).Select(i => i % 2 == 0 ? "Warning 1002" : "Information 1003"), node.Said));
    }

    private static async Task<IReadOnlyList<string>> HealthOfAsync(params Node[] nodes)
    {
        var all = new List<string>();
        foreach (var node in nodes)
        {
            var (status, health) = await Operators.ReadyAsync(Operators.Of(node.Host.App.Services));
            Assert.Equal(HttpStatusCode.OK, status);
            var limits = health["checks"]!["limits"]!;
            all.Add($"{limits["status"]} {limits["detail"]}");
        }

        return all;
    }

    private static Task<HttpResponseMessage> HealthAsync(Node node) => node.Host.Anonymous().GetAsync(new Uri("/health/ready", UriKind.Relative), Cancel);

    private static Task<string> ToldAsync(Node node) => RateLimitsTests.Told(node.Http.GetAsync(Read, Cancel));

    private static async Task<string> LeftAsync(Task<HttpResponseMessage> asked) => WithoutTime(await RateLimitsTests.Told(asked)).Split(" | ")[0];

    private static int Reset(string told) => int.Parse(told.Split(" | ")[0].Split('/')[2], CultureInfo.InvariantCulture);

    private static string WithoutTime(string told)
    {
        var reset = Reset(told).ToString(CultureInfo.InvariantCulture);
        return told.Replace($"/{reset} ", "/T ", StringComparison.Ordinal).Replace($";t={reset} ", ";t=T ", StringComparison.Ordinal) is var text && text.EndsWith($"| {reset}", StringComparison.Ordinal)
            ? text[..^reset.Length] + "T"
            : text;
    }

    private sealed record Node(AccessHost Host, HttpClient Http, Recorded Logs) : IAsyncDisposable
    {
        /// <summary>Level and number of what was said of Redis.</summary>
        public IEnumerable<string> Said => Logs.Lines;

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Host.DisposeAsync();
        }
    }

    /// <summary>What a node logs of its limits.</summary>
    private sealed class Recorded : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => categoryName.EndsWith("SharedWindows", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue($"{logLevel} {eventId.Id}");

        public void Dispose()
        {
        }
    }
}
