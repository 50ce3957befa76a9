using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using ResultsEs.TestResults;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>What a private cluster is made of.</summary>
/// <param name="Home">The folder that holds everything of the cluster: data, socket, log, locks. Made when missing.</param>
/// <param name="Binaries">The folder of PostgreSQL's programs.</param>
internal sealed record ClusterOptions(string Home, string Binaries)
{
    /// <summary>False only for clusters that are thrown away: commits do not reach the disk, and stopping does not write anything.</summary>
    public bool Durable { get; init; } = true;

    public int MaxConnections { get; init; } = 200;

    /// <summary>Loopback TCP with a generated password instead of a Unix socket in a private folder.</summary>
    public bool Tcp { get; init; } = OperatingSystem.IsWindows();
}

/// <summary>
/// A PostgreSQL of our own, shared by the services that use the same folder. Each holds a shared lock on <c>users</c>
/// while it uses the cluster; starting and stopping happen under an exclusive lock on <c>gate</c>. Locks die with their
/// process, so whoever comes after a killed service finds the cluster running and attaches, and the last to leave stops it.
/// While held, a background task starts PostgreSQL again when it is gone.
/// </summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private const string User = "results";
    private const int SocketPort = 5432;

    // sun_path is 108 bytes on Linux and 104 on macOS; the rest is "/.s.PGSQL.5432" and a terminator.
    private const int LongestSocketFolder = 104 - 15 - 1;

    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(60);

    private readonly ClusterOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _leaving = new();
    private string? _account;
    private int _port = SocketPort;
    private string? _password;
    private IDisposable? _use;
    private Task _watch = Task.CompletedTask;
    private int _disposed;

    private PostgresCluster(ClusterOptions options, ILogger logger)
    {
        _options = options with { Home = Path.GetFullPath(options.Home) };
        _logger = logger;
    }

    private string Home => _options.Home;

    private string Data => Path.Combine(Home, "data");

    private string LogFile => Path.Combine(Home, "log");

    private string SocketFolder => SocketFolderFor(Home);

    /// <summary>The major version of the cluster in a folder, such as <c>17</c>; null when there is none yet.</summary>
    public static string? MajorVersion(string home)
    {
        try
        {
            return File.ReadAllText(Path.Combine(home, "data", "PG_VERSION")).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Makes the cluster when there is none, starts it or attaches to it, and keeps it running until disposed.</summary>
    /// <exception cref="DatabaseUnavailableException">It cannot run; the message says why and what to do.</exception>
    public static async Task<PostgresCluster> StartAsync(ClusterOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var cluster = new PostgresCluster(options, logger);
        try
        {
            await cluster.EnterAsync(cancellationToken);
            return cluster;
        }
        catch (Exception e)
        {
            await cluster.DisposeAsync();
            if (e is UnauthorizedAccessException or IOException)
                throw cluster.CannotUse(e.Message, e);
            throw;
        }
    }

    /// <summary>How to connect to a database of the cluster.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = _options.Tcp ? "127.0.0.1" : SocketFolder,
        Port = _port,
        Username = User,
        Password = _password,
        Database = database,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    /// <summary>Makes a database unless it exists.</summary>
    public async Task CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await find.ExecuteScalarAsync(cancellationToken) is not null)
            return;

        try
        {
            await using var create = new NpgsqlCommand($"create database \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\" template template0", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another service came first.
        }
    }

    /// <summary>Leaves the cluster and, as the last, stops it. Never throws: what is not stopped now is attached to by the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;

        try
        {
            await _leaving.CancelAsync();
            await _watch;
            if (_use is not null)
                await LeaveAsync();
        }
        catch (Exception e)
        {
            PostgresLog.StopFailed(_logger, Home, e);
        }
        finally
        {
            _use?.Dispose();
            _leaving.Dispose();
        }
    }

    /// <summary>The folder of the socket: inside the cluster's own, unless its path is too long or holds what connection strings cannot.</summary>
    internal static string SocketFolderFor(string home)
    {
        var inside = Path.Combine(home, "run");
        if (inside.Length <= LongestSocketFolder && inside.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-'))
            return inside;

        // Not the temporary folder of the session: every service must come to the same answer. Only root may write to /run.
        var parent = Environment.IsPrivilegedProcess && Directory.Exists("/run") ? "/run" : "/tmp";
        return $"{parent}/results-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(home)))[..16]}";
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        _account = await ServerAccount.ChooseAsync(Data, cancellationToken);
        await PrepareFoldersAsync(cancellationToken);
        using (await GateAsync(cancellationToken))
        {
            // Nobody holds it exclusively for longer than a look while the gate is ours.
            _use = FileLock.TryShared(UsersFile) ?? throw CannotUse($"the lock file {UsersFile} is held by another program");
            await CheckOrCreateAsync(cancellationToken);
            await EnsureRunningAsync(cancellationToken);
        }

        _watch = Task.Run(() => WatchAsync(_leaving.Token), CancellationToken.None);
    }

    private string UsersFile => Path.Combine(Home, "users");

    private string GateFile => Path.Combine(Home, "gate");

    private Task<IDisposable> GateAsync(CancellationToken cancellationToken) =>
        FileLock.ExclusiveAsync(GateFile, () => PostgresLog.Waiting(_logger, Home), cancellationToken);

    private async Task PrepareFoldersAsync(CancellationToken cancellationToken)
    {
        var parent = Path.GetDirectoryName(Home)!;
        if (!Directory.Exists(parent))
        {
            Directory.CreateDirectory(parent);

            // Root's umask may close the folder to the account PostgreSQL runs under.
            if (_account is not null && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(parent, File.GetUnixFileMode(parent) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        CreatePrivate(Home);
        if (!_options.Tcp)
        {
            if (new DirectoryInfo(SocketFolder).LinkTarget is not null)
                throw CannotUse($"{SocketFolder}, where its socket belongs, is a link that somebody else may have made; remove it");
            CreatePrivate(SocketFolder);
        }

        foreach (var file in new[] { GateFile, UsersFile })
            FileLock.TryShared(file)?.Dispose();

        if (_account is null)
            return;

        await ServerAccount.GiveAsync(_account, _options.Tcp ? [Home] : [Home, SocketFolder], cancellationToken);
        await CheckAccessAsync(_account, cancellationToken);
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(folder, OwnerOnly);
        // Fails when the folder belongs to somebody else, who could listen there in our place.
        File.SetUnixFileMode(folder, OwnerOnly);
    }

    private async Task CheckAccessAsync(string account, CancellationToken cancellationToken)
    {
        try
        {
            var result = await Command.RunAsync(PostgresBinaries.Program(_options.Binaries, "postgres"), ["--version"], Home, account, cancellationToken);
            if (result.ExitCode != 0)
                throw CannotUse($"the user {account} cannot run {_options.Binaries}: {result.Output}");
        }
        catch (Win32Exception e)
        {
            throw ServerAccount.ClosedFolderAbove(Home) is { } closed
                ? CannotUse($"PostgreSQL does not run as root but as the user {account}, who may not enter {closed}", e)
                : CannotUse($"the user {account} cannot run {_options.Binaries}: {e.Message}", e);
        }
    }

    private DatabaseUnavailableException CannotUse(string why, Exception? inner = null) => new(
        $"The embedded PostgreSQL in {Home} cannot be used: {why.TrimEnd('.')}. " +
        $"Set {DataFolder.Variable} to another folder, or ConnectionStrings__results to a database of yours.",
        inner!);

    private async Task CheckOrCreateAsync(CancellationToken cancellationToken)
    {
        if (_options.Tcp)
            await ReadOrMakePasswordAsync(cancellationToken);

        if (MajorVersion(Home) is { } made)
        {
            var ours = await PostgresBinaries.VersionAsync(_options.Binaries, cancellationToken);
            if (ours != made)
            {
                throw CannotUse(
                    $"it was made by PostgreSQL {made} and {_options.Binaries} is version {ours ?? "unknown"}, which cannot open it. " +
                    $"Install PostgreSQL {made}, or move the data with pg_upgrade or pg_dump");
            }

            return;
        }

        if (Directory.Exists(Data) && Directory.EnumerateFileSystemEntries(Data).Any())
            throw CannotUse($"{Data} holds files and is not a PostgreSQL cluster (no PG_VERSION); move them away");

        await CreateAsync(cancellationToken);
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        PostgresLog.Creating(_logger, Home);

        // Made beside and renamed when complete: what an interrupted start leaves never counts as a cluster.
        const string Unfinished = "data.unfinished";
        var unfinished = Path.Combine(Home, Unfinished);
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        if (Directory.Exists(Data))
            Directory.Delete(Data);

        // Other local users are kept out by the folder of the socket; on TCP everybody has to know the password.
        string[] access = _options.Tcp
            ? ["--auth=scram-sha-256", "--pwfile=password"]
            : ["--auth-local=trust", "--auth-host=reject"];
        string[] durability = _options.Durable ? [] : ["--no-sync"];
        var result = await RunAsync(
            "initdb",
            [
                "--pgdata", Unfinished, "--username", User, "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
                .. access, .. durability,
            ],
            cancellationToken);
        if (result.ExitCode != 0)
            throw CannotUse($"initdb failed: {result.Output}");

        Directory.Move(unfinished, Data);
    }

    private async Task ReadOrMakePasswordAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(Home, "password");
        if (!File.Exists(file))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var writer = new StreamWriter(file, options);
            await writer.WriteAsync(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        }

        if (_account is not null)
            await ServerAccount.GiveAsync(_account, [file], cancellationToken);
        _password = await File.ReadAllTextAsync(file, cancellationToken);

        var portFile = Path.Combine(Home, "port");
        _port = File.Exists(portFile) && int.TryParse(await File.ReadAllTextAsync(portFile, cancellationToken), CultureInfo.InvariantCulture, out var port)
            ? port
            : 0;
    }

    /// <summary>Returns when the cluster takes connections. Needs the gate.</summary>
    private async Task EnsureRunningAsync(CancellationToken cancellationToken)
    {
        var unreachable = 0;
        while (_port != 0)
        {
            switch (await ProbeAsync(cancellationToken))
            {
                case Probe.Ready:
                    PostgresLog.Attached(_logger, Home);
                    return;
                case Probe.Gone when Postmaster.Look(Data) != Postmaster.State.Running:
                    goto start;
                case Probe.Gone when ++unreachable > 100:
                    throw CannotUse(
                        $"a PostgreSQL that this service did not start runs on it (process {Postmaster.ReadPid(Data)}) and does not listen where expected; " +
                        $"stop it with {PostgresBinaries.Program(_options.Binaries, "pg_ctl")} stop -D {Data}");
                default:
                    await Task.Delay(100, cancellationToken);
                    break;
            }
        }

    start:
        await StartServerAsync(cancellationToken);
        PostgresLog.Started(_logger, Home);
    }

    private async Task StartServerAsync(CancellationToken cancellationToken)
    {
        if (Postmaster.Look(Data) == Postmaster.State.Foreign)
        {
            PostgresLog.StalePid(_logger, Home, Postmaster.ReadPid(Data) ?? 0);
            Postmaster.Disown(Data);
        }

        if (_options.Tcp)
            await ChoosePortAsync(cancellationToken);
        else
            RemoveStaleSocket();

        var log = new FileInfo(LogFile);
        if (log is { Exists: true, Length: > 10_000_000 })
            log.MoveTo(LogFile + ".old", overwrite: true);

        // A pg_ctl that is ended at once may leave a server that has not written its pid yet, and that nobody would find and stop.
        using var patience = new CancellationTokenSource();
        await using var cancelled = cancellationToken.Register(() => patience.CancelAfter(TimeSpan.FromSeconds(5)));

        for (var attempt = 0; ; attempt++)
        {
            var written = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;

            // Relative names: pg_ctl hands them to a shell, which an absolute path with odd characters would not survive.
            var result = await RunAsync(
                "pg_ctl", ["start", "--silent", "--wait", "--timeout=600", "--pgdata=data", "--log=log", "--options=" + ServerSettings()], patience.Token);
            if (result.ExitCode == 0)
                return;

            var said = TailOfLog(written);

            // Backends of a killed server need a moment to notice and leave.
            if (attempt < 20 && said.Contains("shared memory block", StringComparison.Ordinal))
                await Task.Delay(250, cancellationToken);
            else
                throw CannotUse($"PostgreSQL did not start ({result.Output}); its log {LogFile} ends with:\n{said}\n");
        }
    }

    private string ServerSettings()
    {
        var durable = _options.Durable ? "on" : "off";
        string[] listen = _options.Tcp
            ? ["listen_addresses=127.0.0.1", "unix_socket_directories="]
            : ["listen_addresses=", $"unix_socket_directories={SocketFolder}", "unix_socket_permissions=0700"];
        string[] settings =
        [
            .. listen,
            string.Create(CultureInfo.InvariantCulture, $"port={_port}"),
            $"fsync={durable}",
            $"synchronous_commit={durable}",
            $"full_page_writes={durable}",
            string.Create(CultureInfo.InvariantCulture, $"max_connections={_options.MaxConnections}"),
            "shared_buffers=256MB",
            "max_wal_size=2GB",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
        ];
        return string.Join(' ', settings.Select(setting => "-c " + setting));
    }

    // The port stays the same as long as it can, so that a connection string outlives a restart.
    private async Task ChoosePortAsync(CancellationToken cancellationToken)
    {
        if (_port != 0 && (_watch is { IsCompleted: false } || IsFree(_port)))
            return;

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await File.WriteAllTextAsync(Path.Combine(Home, "port"), _port.ToString(CultureInfo.InvariantCulture), cancellationToken);
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // PostgreSQL trusts the pid in the socket's lock file as well. The folder is ours alone and nobody listens there.
    private void RemoveStaleSocket()
    {
        var socket = Path.Combine(SocketFolder, string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{SocketPort}"));
        File.Delete(socket);
        File.Delete(socket + ".lock");
    }

    private enum Probe
    {
        Ready,
        NotYet,
        Gone,
    }

    private async Task<Probe> ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await ConnectAsync(cancellationToken);
            return Probe.Ready;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.CannotConnectNow)
        {
            return Probe.NotYet;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.TooManyConnections)
        {
            return Probe.Ready;
        }
        catch (PostgresException) when (_options.Tcp && Postmaster.Look(Data) != Postmaster.State.Running)
        {
            // Somebody else's server has taken the port meanwhile.
            return Probe.Gone;
        }
        catch (PostgresException e)
        {
            throw CannotUse($"the PostgreSQL that runs there refuses us: {e.MessageText}", e);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
        {
            return Probe.Gone;
        }
    }

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false;Timeout=5");
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var pause = WatchEvery;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(pause, cancellationToken);

                // A pid can be invisible from here (another container on the same folder), so silence is asked for as well.
                if (Postmaster.Look(Data) == Postmaster.State.Running || await ProbeAsync(cancellationToken) != Probe.Gone)
                    continue;

                using (await GateAsync(cancellationToken))
                {
                    PostgresLog.Gone(_logger, Home);
                    await EnsureRunningAsync(cancellationToken);
                }

                pause = WatchEvery;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                pause = TimeSpan.FromSeconds(Math.Min(30, Math.Max(1, pause.TotalSeconds * 2)));
                PostgresLog.RestartFailed(_logger, Home, pause, e);
            }
        }
    }

    private async Task LeaveAsync()
    {
        using var late = new CancellationTokenSource(StopWithin);
        using var gate = await GateAsync(late.Token);

        _use?.Dispose();
        _use = null;
        using var alone = FileLock.TryExclusive(UsersFile);
        if (alone is null)
        {
            PostgresLog.LeftRunning(_logger, Home);
            return;
        }

        await StopServerAsync(late.Token);

        // Nothing of us stays outside our own folder.
        if (!_options.Tcp && !SocketFolder.StartsWith(Home, StringComparison.Ordinal))
            Directory.Delete(SocketFolder, recursive: true);
    }

    private async Task StopServerAsync(CancellationToken cancellationToken)
    {
        if (Postmaster.Look(Data) != Postmaster.State.Running)
            return;

        var mode = _options.Durable ? "fast" : "immediate";
        var result = await StopServerAsync(mode, cancellationToken);
        if (result.ExitCode != 0 && Postmaster.Look(Data) == Postmaster.State.Running)
            result = await StopServerAsync("immediate", cancellationToken);
        if (result.ExitCode != 0 && Postmaster.Look(Data) == Postmaster.State.Running)
            throw new DatabaseUnavailableException(result.Output);

        PostgresLog.Stopped(_logger, Home);
    }

    private Task<Command.Result> StopServerAsync(string mode, CancellationToken cancellationToken) =>
        RunAsync("pg_ctl", ["stop", "--silent", "--wait", "--timeout=40", "--pgdata=data", "--mode=" + mode], cancellationToken);

    private Task<Command.Result> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Command.RunAsync(PostgresBinaries.Program(_options.Binaries, program), arguments, Home, _account, cancellationToken);

    private string TailOfLog(long from)
    {
        if (!File.Exists(LogFile))
            return "(no log)";
        using var stream = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = Math.Min(from, stream.Length);
        using var reader = new StreamReader(stream);
        return string.Join('\n', reader.ReadToEnd().TrimEnd().Split('\n').TakeLast(20));
    }
}
