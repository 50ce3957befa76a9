namespace ResultsEs.Access;

/// <summary>Settings of what clients share; section <c>Shares</c>.</summary>
internal sealed class SharesOptions
{
    public const string Section = "Shares";

    private const int Highest = 1_000_000;
    private const int HighestIdleSeconds = 3_600;

    // A request may have so much.
    private const int LeastUploadMebibytes = 4;

    /// <summary>Exports under way.</summary>
    public ShareLimits Exports { get; init; } = new() { PerClient = 4, PerAccount = 8, PerNode = 16 };

    /// <summary>Seconds, 1–3,600, after which an export is cut off of which its client takes nothing.</summary>
    public int ExportIdleSeconds { get; init; } = 120;

    /// <summary>Requests of lines under way. Each may hold some 12 MiB.</summary>
    public ShareLimits Lines { get; init; } = new() { PerClient = 8, PerAccount = 12, PerNode = 24 };

    /// <summary>Seconds, 1–3,600, after which a request of lines ends of which nothing comes.</summary>
    public int LinesIdleSeconds { get; init; } = 60;

    /// <summary>Requests that wait for changes, and streams of them.</summary>
    public ShareLimits Followers { get; init; } = new() { PerClient = 8, PerAccount = 32, PerNode = 256 };

    /// <summary>MiB of the bodies of requests with events under way, from their first byte to their answer.</summary>
    public ShareLimits UploadMebibytes { get; init; } = new() { PerClient = 64, PerAccount = 96, PerNode = 192 };

    /// <summary>MiB of the events of the sessions that reads of history fold or look through.</summary>
    public ShareLimits HistoryMebibytes { get; init; } = new() { PerClient = 64, PerAccount = 96, PerNode = 192 };

    /// <summary>Searches under way.</summary>
    public ShareLimits Searches { get; init; } = new() { PerClient = 2, PerAccount = 4, PerNode = 8 };

    /// <summary>
    /// Reads under way that are no long requests. A client's are fewer than the pinned connections, a quarter of <c>Maximum Pool Size</c>.
    /// </summary>
    public ShareLimits Reads { get; init; } = new() { PerClient = 16, PerAccount = 20, PerNode = 64 };

    /// <summary>Reads that wait for one of those to end.</summary>
    public ShareLimits WaitingReads { get; init; } = new() { PerClient = 200, PerAccount = 400, PerNode = 2_000 };

    /// <summary>Seconds, 1–3,600, after which a read that waits is refused.</summary>
    public int ReadWaitSeconds { get; init; } = 10;

    public static IEnumerable<string> Problems(SharesOptions options) =>
    [
        .. Of(nameof(Exports), options.Exports, 1),
        .. Of(nameof(Lines), options.Lines, 1),
        .. Of(nameof(Followers), options.Followers, 1),
        .. Of(nameof(UploadMebibytes), options.UploadMebibytes, LeastUploadMebibytes),
        .. Of(nameof(HistoryMebibytes), options.HistoryMebibytes, 1),
        .. Of(nameof(Searches), options.Searches, 1),
        .. Of(nameof(Reads), options.Reads, 1),
        .. Of(nameof(WaitingReads), options.WaitingReads, 1),
        .. Idle(nameof(ExportIdleSeconds), options.ExportIdleSeconds),
        .. Idle(nameof(LinesIdleSeconds), options.LinesIdleSeconds),
        .. Idle(nameof(ReadWaitSeconds), options.ReadWaitSeconds),
    ];

    private static IEnumerable<string> Of(string name, ShareLimits limits, int least) =>
        limits.PerClient >= least && limits.PerAccount >= limits.PerClient && limits.PerNode >= limits.PerAccount
            && limits.PerNode <= Highest
            ? []
            : [$"{Section}:{name} must be from {least} to {Highest}, with PerClient up to PerAccount and that up to PerNode."];

    private static IEnumerable<string> Idle(string name, int seconds) =>
        seconds is >= 1 and <= HighestIdleSeconds ? [] : [$"{Section}:{name} must be from 1 to {HighestIdleSeconds}."];
}

/// <summary>How much one client, all clients of an account, and all clients of a node may have under way.</summary>
internal sealed class ShareLimits
{
    public int PerClient { get; init; }

    public int PerAccount { get; init; }

    public int PerNode { get; init; }
}
