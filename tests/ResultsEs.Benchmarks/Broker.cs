using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace ResultsEs.Benchmarks;

/// <summary>A RabbitMQ for a run of the benchmark: the programs of this machine with ports, a name, an epmd and a folder of its own, under the account <c>rabbitmq</c> when root runs it.</summary>
internal sealed class Broker : IAsyncDisposable
{
    private const string Account = "rabbitmq";
    private const string PidFile = "rabbitmq.pid";

    private static readonly string[] Folders = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("results-benchmark-rabbitmq-").FullName;
    private readonly int _port = Server.FreePort();
    private readonly int _distributionPort = Server.FreePort();
    private readonly int _epmdPort = Server.FreePort();
    private Process? _server;

    private Broker()
    {
    }

    /// <summary>The folder of RabbitMQ's programs on this machine; null when it has none.</summary>
    public static string? Programs => Folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "rabbitmq-server")));

    /// <summary>Its virtual host <c>/</c>.</summary>
    public Uri Address => new($"amqp://guest:guest@127.0.0.1:{_port.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Starts one, and returns when it takes connections.</summary>
    public static async Task<Broker> StartAsync(string programs, CancellationToken cancellation)
    {
        var broker = new Broker();
        try
        {
            await broker.RunAsync(programs, cancellation);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it, with all that it has.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
        {
            var file = Path.Combine(_folder, PidFile);
            if (File.Exists(file) && int.TryParse((await File.ReadAllTextAsync(file, CancellationToken.None)).Trim(), CultureInfo.InvariantCulture, out var id) && !server.HasExited)
            {
                using var machine = Process.GetProcessById(id);
                machine.Kill();
            }

            if (!server.HasExited)
                server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
            // It refuses while it has not yet noticed that the node is gone.
            for (var attempt = 0; attempt < 50 && !await EndEpmdAsync(); attempt++)
                await Task.Delay(100, CancellationToken.None);
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Ends the one of this port, which is ours alone.</summary>
    private async Task<bool> EndEpmdAsync()
    {
        using var epmd = Process.Start(new ProcessStartInfo("epmd", ["-port", _epmdPort.ToString(CultureInfo.InvariantCulture), "-kill"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        await epmd.WaitForExitAsync();
        return epmd.ExitCode == 0;
    }

    private async Task RunAsync(string programs, CancellationToken cancellation)
    {
        // The program itself, not the script of Debian's that changes the account and drops the environment.
        var program = Path.Combine(programs, "rabbitmq-server");
        if (Environment.IsPrivilegedProcess)
        {
            using var give = Process.Start("chown", [Account, _folder]);
            await give.WaitForExitAsync(cancellation);
        }

        var start = Environment.IsPrivilegedProcess ? new ProcessStartInfo("runuser", ["-u", Account, "--", program]) : new ProcessStartInfo(program);
        (start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute, start.WorkingDirectory) = (true, true, false, _folder);
        foreach (var (name, value) in new[]
        {
            ("HOME", _folder),
            ("RABBITMQ_NODENAME", string.Create(CultureInfo.InvariantCulture, $"results-benchmark-{Environment.ProcessId}@localhost")),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"),
            ("RABBITMQ_NODE_PORT", _port.ToString(CultureInfo.InvariantCulture)),
            ("RABBITMQ_DIST_PORT", _distributionPort.ToString(CultureInfo.InvariantCulture)),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"),
            ("RABBITMQ_MNESIA_BASE", Path.Combine(_folder, "data")),
            ("RABBITMQ_LOG_BASE", Path.Combine(_folder, "log")),
            ("RABBITMQ_PID_FILE", Path.Combine(_folder, PidFile)),
            ("RABBITMQ_CONFIG_FILE", Path.Combine(_folder, "none")),
            ("RABBITMQ_CONF_ENV_FILE", Path.Combine(_folder, "none")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", Path.Combine(_folder, "plugins")),
            ("ERL_EPMD_PORT", _epmdPort.ToString(CultureInfo.InvariantCulture)),
            ("ERL_EPMD_ADDRESS", "127.0.0.1"),
        })
        {
            start.Environment[name] = value;
        }

        _server = Process.Start(start)!;
        var said = Task.WhenAll(_server.StandardOutput.ReadToEndAsync(CancellationToken.None), _server.StandardError.ReadToEndAsync(CancellationToken.None));
        var watch = Stopwatch.StartNew();
        while (!await AnswersAsync(cancellation))
        {
            if (_server.HasExited)
                throw new InvalidOperationException($"RabbitMQ ended as it started:\n{string.Join('\n', await said)}");
            if (watch.Elapsed > Patience)
                throw new InvalidOperationException("RabbitMQ does not answer.");
            await Task.Delay(100, cancellation);
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        try
        {
            await using var connection = await new ConnectionFactory { Uri = Address }.CreateConnectionAsync(cancellation);
            return true;
        }
        catch (BrokerUnreachableException)
        {
            return false;
        }
    }
}
