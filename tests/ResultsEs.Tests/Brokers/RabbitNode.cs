using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Brokers;

/// <summary>
/// A private RabbitMQ node: the programs of this machine with ports, a name, an epmd and a data folder of its own; under the account
/// <c>rabbitmq</c> when root runs the tests. It keeps what it stores when it is killed and started again.
/// </summary>
internal sealed class RabbitNode : IAsyncDisposable
{
    /// <summary>Holds the process id of the Erlang machine; in the node's folder.</summary>
    public const string PidFile = "rabbitmq.pid";

    private const string EpmdFile = "epmd.port";
    private const string Account = "rabbitmq";

    private static readonly string[] Folders = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly string _programs;
    private readonly string _home = ThrowAway.NewHome("rabbitmq");
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"results-{Environment.ProcessId}-{Random.Shared.Next(0x10000):x4}@localhost");
    private readonly int _port = FreePort();
    private readonly int _distributionPort = FreePort();
    private readonly int _epmdPort = FreePort();
    private Process? _server;

    private RabbitNode(string programs) => _programs = programs;

    /// <summary>The folder of RabbitMQ's programs on this machine; null when it has none.</summary>
    public static string? Programs => Folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "rabbitmq-server")));

    /// <summary>Starts a node.</summary>
    public static async Task<RabbitNode> StartNewAsync()
    {
        var node = new RabbitNode(Programs ?? throw new InvalidOperationException(
            "These tests need RabbitMQ: start a Docker engine, or install rabbitmq-server."));
        Directory.CreateDirectory(node._home);
        await File.WriteAllTextAsync(Path.Combine(node._home, EpmdFile), node._epmdPort.ToString(CultureInfo.InvariantCulture));
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", Account, node._home);
        try
        {
            await node.StartAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public int Port => _port;

    /// <summary>An address of the node.</summary>
    public Uri Address(string virtualHost = "/", string user = "guest", string password = "guest") =>
        new($"amqp://{user}:{password}@127.0.0.1:{_port.ToString(CultureInfo.InvariantCulture)}/{Uri.EscapeDataString(virtualHost)}");

    /// <summary>Starts it, or starts it again, and returns when it takes connections.</summary>
    public async Task StartAsync()
    {
        var (program, arguments) = AsAccount("rabbitmq-server");
        _server = Process.Start(Start(program, arguments))!;
        _ = _server.StandardOutput.ReadToEndAsync(CancellationToken.None);
        _ = _server.StandardError.ReadToEndAsync(CancellationToken.None);

        using var patience = new CancellationTokenSource(Patience);
        while (!await AnswersAsync())
        {
            if (_server.HasExited)
                throw new InvalidOperationException($"RabbitMQ ended with {_server.ExitCode} as it started; its log is in {_home}.");
            await Task.Delay(100, patience.Token);
        }
    }

    /// <summary>Has it run, whatever a test that failed has left.</summary>
    public async Task MendAsync()
    {
        if (await AnswersAsync())
            return;
        if (_server is { HasExited: false })
            await KillAsync();
        await StartAsync();
    }

    /// <summary>Stops it as an operator does.</summary>
    public async Task StopAsync()
    {
        await ControlAsync("stop");
        await _server!.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        Kill(_home);
        await _server!.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Runs rabbitmqctl, and gives what it printed.</summary>
    public async Task<string> ControlAsync(params string[] arguments)
    {
        var (program, all) = AsAccount("rabbitmqctl", arguments);
        using var process = Process.Start(Start(program, all))!;
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"rabbitmqctl {arguments[0]}: {await output} {await errors}");
        return await output;
    }

    public ValueTask DisposeAsync()
    {
        ThrowAway.Remove(_home);
        _server?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends what runs in the folder of a node, of this run or of one that was killed.</summary>
    public static void End(string home)
    {
        Kill(home);
        using var epmd = Process.Start(new ProcessStartInfo("epmd", ["-port", File.ReadAllText(Path.Combine(home, EpmdFile)), "-kill"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        epmd.WaitForExit();
    }

    private static void Kill(string home)
    {
        try
        {
            using var server = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(home, PidFile)).Trim(), CultureInfo.InvariantCulture));
            // The number may be another process's by now.
            if (!server.ProcessName.StartsWith("beam", StringComparison.Ordinal))
                return;
            server.Kill();
            server.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It has ended.
        }
    }

    /// <summary>A port that nobody listens on.</summary>
    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await new ConnectionFactory { Uri = Address() }.CreateConnectionAsync(TestContext.Current.CancellationToken);
            return true;
        }
        catch (BrokerUnreachableException)
        {
            return false;
        }
    }

    /// <summary>The program itself, not the script of Debian's that changes the account and drops the environment.</summary>
    private (string Program, string[] Arguments) AsAccount(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs, program);
        return Environment.IsPrivilegedProcess ? ("runuser", ["-u", Account, "--", path, .. arguments]) : (path, arguments);
    }

    private ProcessStartInfo Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _home,
        };
        foreach (var (name, value) in new[]
        {
            ("HOME", _home),
            ("RABBITMQ_NODENAME", _name),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"),
            ("RABBITMQ_NODE_PORT", _port.ToString(CultureInfo.InvariantCulture)),
            ("RABBITMQ_DIST_PORT", _distributionPort.ToString(CultureInfo.InvariantCulture)),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"),
            ("RABBITMQ_MNESIA_BASE", Path.Combine(_home, "data")),
            ("RABBITMQ_LOG_BASE", Path.Combine(_home, "log")),
            ("RABBITMQ_PID_FILE", Path.Combine(_home, PidFile)),
            ("RABBITMQ_CONFIG_FILE", Path.Combine(_home, "none")),
            ("RABBITMQ_CONF_ENV_FILE", Path.Combine(_home, "none")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", Path.Combine(_home, "plugins")),
            ("ERL_EPMD_PORT", _epmdPort.ToString(CultureInfo.InvariantCulture)),
            ("ERL_EPMD_ADDRESS", "127.0.0.1"),
        })
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var result = await Command.RunAsync(program, arguments, "/", account: null, CancellationToken.None);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"{program}: {result.Output}");
    }
}
