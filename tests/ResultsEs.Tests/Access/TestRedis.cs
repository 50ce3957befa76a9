using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;
using StackExchange.Redis;
using Testcontainers.Redis;

namespace ResultsEs.Tests.Access;

/// <summary>
/// A Redis of a test's own, which may be killed, held and started again at the same address. A container when a Docker engine answers, otherwise a <see cref="RedisNode"/>; where there is
/// neither, the test is skipped.
/// </summary>
internal abstract class TestRedis : IAsyncDisposable
{
    private ConnectionMultiplexer? _client;

    /// <summary>How to connect, as the service's setting has it.</summary>
    public abstract string ConnectionString { get; }

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Starts one.</summary>
    public static async Task<TestRedis> StartNewAsync()
    {
        if (await TestDatabase.DockerAnswersAsync())
        {
            try
            {
                return await RedisInContainer.StartContainerAsync();
            }
            catch (Exception) when (RedisNode.Program is not null)
            {
                // The engine has no image and no way to one; the Redis of this machine does as well.
            }
        }

        Assert.SkipWhen(RedisNode.Program is null, "There is no Redis here: start a Docker engine, or install redis-server, as tests/run.sh does.");
        return await RedisNode.StartNodeAsync();
    }

    /// <summary>Starts it again, empty, and returns when it takes connections.</summary>
    public abstract Task StartAsync();

    /// <summary>Ends it, and with it what it holds.</summary>
    public abstract Task KillAsync();

    /// <summary>Lets it answer nobody, and close no connection either.</summary>
    public abstract Task HoldAsync();

    /// <summary>Lets it go on.</summary>
    public abstract Task ReleaseAsync();

    /// <summary>What it holds, for a test to look at and to change.</summary>
    public async Task<IDatabase> OpenAsync() => (_client ??= await ConnectionMultiplexer.ConnectAsync(ConnectionString + ",allowAdmin=true")).GetDatabase();

    public virtual async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync();
    }
}

/// <summary>The redis-server of this machine on a port of its own. Of a run that was killed the next one ends it.</summary>
internal sealed class RedisNode : TestRedis
{
    /// <summary>Holds the process id; in the node's folder.</summary>
    public const string PidFile = "redis.pid";

    private const string Name = "redis-server";
    private const string Password = "a-secret";

    private readonly string _home = ThrowAway.NewHome("redis");
    private readonly string _port = RabbitNode.FreePort().ToString(CultureInfo.InvariantCulture);
    private Process _server = null!;

    private RedisNode()
    {
    }

    /// <summary>Redis' program on this machine; null when it has none.</summary>
    public static string? Program { get; } = new[] { "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin" }.Select(folder => Path.Combine(folder, Name)).FirstOrDefault(File.Exists);

    public override string ConnectionString => $"127.0.0.1:{_port},password={Password}";

    public static async Task<TestRedis> StartNodeAsync()
    {
        var node = new RedisNode();
        Directory.CreateDirectory(node._home);
        await node.StartAsync();
        return node;
    }

    public override async Task StartAsync()
    {
        string[] arguments =
        [
            "--port", _port, "--bind", "127.0.0.1", "--requirepass", Password, "--save", "", "--appendonly", "no",
            "--dir", _home, "--pidfile", Path.Combine(_home, PidFile), "--logfile", Path.Combine(_home, "redis.log"),
        ];
        _server = Process.Start(new ProcessStartInfo(Program!, arguments) { UseShellExecute = false })!;
        await Wait.UntilAsync(async () =>
        {
            Assert.False(_server.HasExited, $"Redis ended as it started; its log is in {_home}.");
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync("127.0.0.1", int.Parse(_port, CultureInfo.InvariantCulture), Cancelled);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
    }

    public override async Task KillAsync()
    {
        _server.Kill();
        await _server.WaitForExitAsync(Cancelled);
    }

    public override Task HoldAsync() => SignalAsync("STOP");

    public override Task ReleaseAsync() => SignalAsync("CONT");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        ThrowAway.Remove(_home);
        _server.Dispose();
    }

    /// <summary>Ends what runs in the folder of a node, of this run or of one that was killed.</summary>
    public static void End(string home)
    {
        try
        {
            using var server = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(home, PidFile)).Trim(), CultureInfo.InvariantCulture));
            // The number may be another process's by now. Redis' has its address behind its name.
            if (!server.ProcessName.StartsWith(Name, StringComparison.Ordinal))
                return;
            server.Kill();
            server.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It has ended.
        }
    }

    private Task SignalAsync(string signal) =>
        Command.RunAsync("/bin/sh", ["-c", $"kill -{signal} {_server.Id.ToString(CultureInfo.InvariantCulture)}"], "/", account: null, Cancelled);
}

/// <summary>Redis in a container.</summary>
internal sealed class RedisInContainer : TestRedis
{
    private readonly RedisContainer _container;

    // A port of the host that stays the same when the container is started again.
    private RedisInContainer(int port) => _container = new RedisBuilder("redis:7-alpine").WithPortBinding(port, RedisBuilder.RedisPort).WithCommand("--save", "").Build();

    public override string ConnectionString => _container.GetConnectionString();

    public static async Task<TestRedis> StartContainerAsync()
    {
        var redis = new RedisInContainer(RabbitNode.FreePort());
        await redis.StartAsync();
        return redis;
    }

    public override Task StartAsync() => _container.StartAsync(Cancelled);

    public override Task KillAsync() => _container.StopAsync(Cancelled);

    public override Task HoldAsync() => _container.PauseAsync(Cancelled);

    public override Task ReleaseAsync() => _container.UnpauseAsync(Cancelled);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _container.DisposeAsync();
    }
}
