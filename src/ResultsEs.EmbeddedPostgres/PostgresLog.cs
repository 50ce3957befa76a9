namespace ResultsEs.EmbeddedPostgres;

/// <summary>The log messages about the embedded PostgreSQL, event ids 101 to 112.</summary>
internal static partial class PostgresLog
{
    [LoggerMessage(101, LogLevel.Information, "Using {Description}")]
    public static partial void Using(ILogger logger, string description);

    [LoggerMessage(102, LogLevel.Information, "No PostgreSQL found on this machine; downloading version {Version} to {Folder}")]
    public static partial void Downloading(ILogger logger, string version, string folder);

    [LoggerMessage(103, LogLevel.Information, "Creating a PostgreSQL cluster in {Folder}")]
    public static partial void Creating(ILogger logger, string folder);

    [LoggerMessage(104, LogLevel.Information, "Started PostgreSQL in {Folder}")]
    public static partial void Started(ILogger logger, string folder);

    [LoggerMessage(105, LogLevel.Information, "Attached to the PostgreSQL that already runs in {Folder}")]
    public static partial void Attached(ILogger logger, string folder);

    [LoggerMessage(106, LogLevel.Information, "Another service is starting or stopping PostgreSQL in {Folder}; waiting for it")]
    public static partial void Waiting(ILogger logger, string folder);

    [LoggerMessage(107, LogLevel.Warning, "PostgreSQL in {Folder} is gone; starting it again")]
    public static partial void Gone(ILogger logger, string folder);

    [LoggerMessage(108, LogLevel.Error, "PostgreSQL in {Folder} could not be started again; next attempt in {Delay}")]
    public static partial void RestartFailed(ILogger logger, string folder, TimeSpan delay, Exception exception);

    [LoggerMessage(109, LogLevel.Information, "Stopped PostgreSQL in {Folder}")]
    public static partial void Stopped(ILogger logger, string folder);

    [LoggerMessage(110, LogLevel.Information, "Left PostgreSQL in {Folder} running: another service uses it")]
    public static partial void LeftRunning(ILogger logger, string folder);

    [LoggerMessage(111, LogLevel.Warning, "PostgreSQL in {Folder} could not be stopped; the next start attaches to it")]
    public static partial void StopFailed(ILogger logger, string folder, Exception exception);

    [LoggerMessage(112, LogLevel.Warning,
        "The pid file of PostgreSQL in {Folder} names process {Pid}, which is not its server; treating it as stale")]
    public static partial void StalePid(ILogger logger, string folder, int pid);
}
