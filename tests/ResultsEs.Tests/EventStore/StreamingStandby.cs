using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.EventStore;

/// <summary>A standby that streams from a cluster of a test, made by <c>pg_basebackup</c> as an operator makes one. <see cref="ThrowAway"/> ends it with its folder.</summary>
internal sealed class StreamingStandby
{
    private readonly NpgsqlConnectionStringBuilder _primary;
    private readonly string _home;
    private readonly string _binaries;
    private readonly string? _account;

    private StreamingStandby(NpgsqlConnectionStringBuilder primary, string home, string binaries, string? account, int? port)
    {
        (_primary, _home, _binaries, _account) = (primary, home, binaries, account);
        if (port is { } given)
        {
            Port = given;
            return;
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public int Port { get; }

    private string Data => Path.Combine(_home, "data");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The folder of this machine's PostgreSQL, when all that is needed for a standby is there.</summary>
    public static string? FindBinaries()
    {
        if (OperatingSystem.IsWindows() || PostgresBinaries.Find() is not { } found)
            return null;

        // Links to some of the programs may lie on the PATH.
        var server = new FileInfo(PostgresBinaries.Program(found, "postgres"));
        var folder = Path.GetDirectoryName(server.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? server.FullName)!;
        return File.Exists(PostgresBinaries.Program(folder, "pg_basebackup")) ? folder : null;
    }

    /// <summary>Copies the primary, which has to listen on TCP, into this folder and starts the copy, on a free port unless one is given.</summary>
    public static async Task<StreamingStandby> StartNewAsync(string primary, string home, string binaries, int? port = null)
    {
        Directory.CreateDirectory(home);
        // PostgreSQL's programs do not run as root.
        var account = await ServerAccount.ChooseAsync(Path.Combine(home, "data"), Cancelled);
        if (account is not null)
            await ServerAccount.GiveAsync(account, [home], Cancelled);
        var standby = new StreamingStandby(new NpgsqlConnectionStringBuilder(primary), home, binaries, account, port);
        var source = standby._primary;
        await standby.RunAsync(
            "pg_basebackup", "--dbname", $"host={source.Host} port={source.Port} user={source.Username} password={source.Password}", "--pgdata=data", "--write-recovery-conf", "--checkpoint=fast");
        await standby.StartAsync();
        return standby;
    }

    /// <summary>How to connect to a database of it; also through another port that leads there.</summary>
    public string ConnectionString(string database, int? port = null) =>
        new NpgsqlConnectionStringBuilder(_primary.ConnectionString) { Port = port ?? Port, Database = database }.ConnectionString;

    /// <summary>Starts it, after <see cref="KillAsync"/> too.</summary>
    public Task StartAsync() => Wait.UntilAsync(async () =>
    {
        // Replay waits for statements for ever, and never ends them: a test says itself for how long. The backends of a killed server need a moment to notice.
        var options = string.Create(
            CultureInfo.InvariantCulture, $"--options=-c listen_addresses=127.0.0.1 -c port={Port} -c unix_socket_directories= -c max_connections=200 -c max_standby_streaming_delay=-1");
        return (await TryAsync("pg_ctl", "start", "--silent", "--wait", "--pgdata=data", "--log=log", options)).ExitCode == 0;
    });

    /// <summary>Makes it as good as new, whatever a test that failed has left.</summary>
    public async Task MendAsync()
    {
        if (Postmaster.Look(Data) != Postmaster.State.Running)
            await StartAsync();
        await ResumeAsync();
    }

    /// <summary>kill -9.</summary>
    public Task KillAsync()
    {
        ThrowAway.Kill(Data);
        return Wait.UntilAsync(() => Postmaster.Look(Data) != Postmaster.State.Running);
    }

    /// <summary>Makes it a primary.</summary>
    public Task PromoteAsync() => RunAsync("pg_ctl", "promote", "--silent", "--wait", "--pgdata=data");

    /// <summary>It receives nothing more.</summary>
    public async Task DisconnectAsync()
    {
        await ExecuteAsync("alter system set primary_conninfo = ''");
        await ExecuteAsync("select pg_reload_conf()");
        await Wait.UntilAsync(() => AskAsync<bool>("postgres", "select not exists (select 1 from pg_stat_wal_receiver)"));
    }

    /// <summary>What it receives it does not show from now on.</summary>
    public async Task PauseAsync()
    {
        await ExecuteAsync("select pg_wal_replay_pause()");
        await Wait.UntilAsync(async () => await AskAsync<string>("postgres", "select pg_get_wal_replay_pause_state()") == "paused");
    }

    /// <summary>It goes on.</summary>
    public Task ResumeAsync() => ExecuteAsync("select pg_wal_replay_resume()");

    /// <summary>Waits until it shows all that is committed on the primary now.</summary>
    public async Task CaughtUpAsync()
    {
        await using var primary = new NpgsqlConnection(_primary.ConnectionString + ";Pooling=false");
        await primary.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("select pg_current_wal_lsn()::text", primary);
        var position = (string)(await command.ExecuteScalarAsync(Cancelled))!;
        await Wait.UntilAsync(() => AskAsync<bool>("postgres", $"select pg_last_wal_replay_lsn() >= '{position}'"));
    }

    public async Task<T> AskAsync<T>(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private Task<object> ExecuteAsync(string sql) => AskAsync<object>("postgres", sql);

    private async Task RunAsync(string program, params string[] arguments)
    {
        var run = await TryAsync(program, arguments);
        Assert.True(run.ExitCode == 0, $"{program}: {run.Output}");
    }

    private Task<Command.Result> TryAsync(string program, params string[] arguments) =>
        Command.RunAsync(PostgresBinaries.Program(_binaries, program), arguments, _home, _account, Cancelled);
}
