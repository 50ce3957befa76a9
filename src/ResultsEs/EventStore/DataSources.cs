using System.Diagnostics;
using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>Pools of connections to one database. Together they take as many as its <c>Maximum Pool Size</c> says.</summary>
internal static class DataSources
{
    /// <summary>The key of the pool of pinned connections, which Marten's store and reads by key use, and nothing else.</summary>
    public const string Pinned = "results.pinned";

    private const string IdleTimeout = "idle_in_transaction_session_timeout";
    private const string LongestSilence = "15s";
    private const int ReadBufferBytes = 32 * 1024;

    // Of a pool, this part is for pinned connections.
    private const int PinnedPart = 4;

    // A plan that was made while its tables were empty lasts as long as its connection does.
    private const int PinnedSeconds = 15;

    /// <summary>A pool for everybody: what comes back to it is reset.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="name">What spans and metrics call it: without a name each carries the connection string.</param>
    public static NpgsqlDataSource Open(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        builder.ConnectionStringBuilder.MaxPoolSize -= PinnedSize(builder.ConnectionStringBuilder.MaxPoolSize) % builder.ConnectionStringBuilder.MaxPoolSize;
        return builder.Build();
    }

    /// <summary>
    /// A small pool of connections that skips Npgsql's reset on return. Only for code that leaves no session state: key look-ups and commits.
    /// The reset cost as much as the look-up (docs/decisions/0018). Statements are prepared by themselves at their second use.
    /// </summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="name">What spans and metrics call it.</param>
    public static NpgsqlDataSource OpenPinned(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        var settings = builder.ConnectionStringBuilder;
        (settings.NoResetOnClose, settings.MaxAutoPrepare, settings.AutoPrepareMinUsages) = (true, 100, 2);
        (settings.MaxPoolSize, settings.ConnectionLifetime) = (PinnedSize(settings.MaxPoolSize), PinnedSeconds);
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, settings.MaxPoolSize);
        return builder.Build();
    }

    /// <summary>
    /// The startup options of a connection, with an end to transactions of which nothing is heard. Those of a node that was lost without a word
    /// (its machine, its network) would hold sessions, and what only one node does at a time, until TCP gives up, which takes hours.
    /// </summary>
    internal static string WithPatience(string? options) =>
        options?.Contains(IdleTimeout, StringComparison.Ordinal) == true ? options : $"{options} -c {IdleTimeout}={LongestSilence}".TrimStart();

    private static int PinnedSize(int all) => Math.Max(1, all / PinnedPart);

    private static NpgsqlDataSourceBuilder Builder(string connectionString, string name)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = name };
        builder.ConnectionStringBuilder.Options = WithPatience(builder.ConnectionStringBuilder.Options);
        // With Npgsql's own 8 KiB a document of 25 events took a second buffer.
        builder.ConnectionStringBuilder.ReadBufferSize = Math.Max(builder.ConnectionStringBuilder.ReadBufferSize, ReadBufferBytes);
        // What nobody's work asks, such as looking for changes four times a second, is not a trace.
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null)
            .EnablePhysicalOpenTracing(false));
        return builder;
    }
}
