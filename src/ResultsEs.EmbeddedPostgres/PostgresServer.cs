using System.Net.Sockets;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The server process of a cluster: starts it, attaches to it, asks whether it answers, and stops it.</summary>
internal sealed class PostgresServer(ClusterOptions options, ClusterFolder folder, ILogger logger)
{
    // Set under the gate: from the first start on, clients know the address.
    private bool _isInUse;

    private enum Reply
    {
        Ready,
        NotYet,
        None,
    }

    public ServerAddress Address { get; } = new(options, folder);

    private string Log => Path.Combine(options.Home, "log");

    private bool IsRunning => Postmaster.Look(options.Data) == Postmaster.State.Running;

    /// <summary>True when there is no process and no answer; a process in another container is invisible, but answers.</summary>
    public async Task<bool> IsGoneAsync(CancellationToken cancellationToken) =>
        !IsRunning && await AskAsync(cancellationToken) == Reply.None;

    /// <summary>Attaches to the server or starts it; returns when it takes connections. The caller holds the gate.</summary>
    public async Task EnsureRunningAsync(CancellationToken cancellationToken)
    {
        if (!await AttachAsync(cancellationToken))
            await StartAsync(cancellationToken);
        _isInUse = true;
    }

    /// <summary>Stops a running server: with a last write for durable data, otherwise at once. The caller holds the gate.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!IsRunning)
            return;

        if (await TryStopAsync(options.Durable ? "fast" : "immediate", cancellationToken) is not null
            && await TryStopAsync("immediate", cancellationToken) is { } trouble)
            throw new DatabaseUnavailableException(trouble);
        PostgresLog.Stopped(logger, options.Home);
    }

    /// <summary>Waits until a running server takes connections; false when none runs.</summary>
    private async Task<bool> AttachAsync(CancellationToken cancellationToken)
    {
        for (var unanswered = 0; Address.IsKnown; await Task.Delay(100, cancellationToken))
        {
            switch (await AskAsync(cancellationToken))
            {
                case Reply.Ready:
                    PostgresLog.Attached(logger, options.Home);
                    return true;
                case Reply.None when !IsRunning:
                    return false;
                case Reply.None when ++unanswered > 100:
                    throw options.CannotUse(
                        $"a PostgreSQL that this service did not start runs on it (process {Postmaster.ReadPid(options.Data)}) " +
                        "and does not listen where expected; stop it with " +
                        $"{PostgresBinaries.Program(options.Binaries, "pg_ctl")} stop -D {options.Data}");
            }
        }

        return false;
    }

    private async Task<Reply> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = Address.Connection();
            await connection.OpenAsync(cancellationToken);
            return Reply.Ready;
        }
        catch (PostgresException e)
        {
            return e.SqlState switch
            {
                PostgresErrorCodes.CannotConnectNow => Reply.NotYet,
                PostgresErrorCodes.TooManyConnections => Reply.Ready,
                // Another server has taken the port.
                _ when options.Tcp && !IsRunning => Reply.None,
                _ => throw options.CannotUse($"the PostgreSQL that runs there refuses us: {e.MessageText}", e),
            };
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
        {
            return Reply.None;
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Postmaster.Look(options.Data) == Postmaster.State.Foreign)
        {
            PostgresLog.StalePid(logger, options.Home, Postmaster.ReadPid(options.Data) ?? 0);
            Postmaster.Disown(options.Data);
        }

        await Address.ClearAsync(_isInUse, cancellationToken);
        var log = new FileInfo(Log);
        if (log is { Exists: true, Length: > 10_000_000 })
            log.MoveTo(Log + ".old", overwrite: true);

        // Ending pg_ctl at once might leave a server that has not written its pid, so that nobody could find and stop it.
        using var patience = new CancellationTokenSource();
        await using var cancelled = cancellationToken.Register(() => patience.CancelAfter(TimeSpan.FromSeconds(5)));

        for (var attempt = 0; ; attempt++)
        {
            var written = File.Exists(Log) ? new FileInfo(Log).Length : 0;

            // Relative names, because pg_ctl passes them to a shell, which would break absolute paths with odd characters.
            var result = await folder.RunAsync(
                "pg_ctl",
                ["start", "--silent", "--wait", "--timeout=600", "--pgdata=data", "--log=log", "--options=" + Settings()],
                patience.Token);
            if (result.ExitCode == 0)
                break;

            var said = EndOfLog(written);

            // Backends of a killed server need a moment to notice and exit.
            if (attempt < 20 && said.Contains("shared memory block", StringComparison.Ordinal))
                await Task.Delay(250, cancellationToken);
            else
                throw options.CannotUse($"PostgreSQL did not start ({result.Output}); its log {Log} ends with:\n{said}\n");
        }

        PostgresLog.Started(logger, options.Home);
    }

    private string Settings()
    {
        var durable = options.Durable ? "on" : "off";
        string[] settings =
        [
            .. Address.Settings,
            $"fsync={durable}",
            $"synchronous_commit={durable}",
            $"full_page_writes={durable}",
            $"max_connections={options.MaxConnections}",
            "shared_buffers=256MB",
            "max_wal_size=2GB",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
        ];
        return string.Join(' ', settings.Select(setting => "-c " + setting));
    }

    /// <summary>Stops the server; null on success, otherwise pg_ctl's output.</summary>
    private async Task<string?> TryStopAsync(string mode, CancellationToken cancellationToken)
    {
        var result = await folder.RunAsync(
            "pg_ctl", ["stop", "--silent", "--wait", "--timeout=40", "--pgdata=data", "--mode=" + mode], cancellationToken);
        return result.ExitCode == 0 || !IsRunning ? null : result.Output;
    }

    private string EndOfLog(long from)
    {
        if (!File.Exists(Log))
            return "(no log)";
        using var stream = new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = Math.Min(from, stream.Length);
        using var reader = new StreamReader(stream);
        return string.Join('\n', reader.ReadToEnd().TrimEnd().Split('\n').TakeLast(20));
    }
}
