using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>
/// Where what is only read is read: from a standby that follows the primary closely, where one is configured (<c>ConnectionStrings:results_standby</c>), otherwise
/// from the primary. Whatever a standby cannot answer the primary answers, within the same request.
/// </summary>
public sealed class ReadDatabase : IDisposable
{
    private readonly bool _isBalanced;
    private readonly NpgsqlDataSource _pinned;
    private readonly OtherVersions _others;
    private uint _turn;

    internal ReadDatabase(
        NpgsqlDataSource primary, NpgsqlDataSource pinned, IReadOnlyList<Standby> standbys, bool isBalanced, DocumentRefresh refresh, OtherVersions others)
    {
        (Primary, Standbys, Refresh) = (primary, standbys, refresh);
        (_isBalanced, _pinned, _others) = (isBalanced, pinned, others);
    }

    /// <summary>The database that is written, and that knows all.</summary>
    internal NpgsqlDataSource Primary { get; }

    /// <summary>The standbys, in the order in which they are configured.</summary>
    internal IReadOnlyList<Standby> Standbys { get; }

    /// <summary>Whether documents have to be compared with their streams: nodes of another version may have appended to them.</summary>
    internal bool ComparesStreams => _others.MayWrite;

    private DocumentRefresh Refresh { get; }

    /// <summary>How far the standby is behind that is furthest behind; 0 where there is none.</summary>
    internal double LagSeconds => Standbys.Count == 0 ? 0 : Standbys.Max(standby => standby.Lag).TotalSeconds;

    /// <summary>Closes the connections to standbys.</summary>
    public void Dispose()
    {
        foreach (var standby in Standbys)
            standby.Dispose();
    }

    /// <summary>
    /// Reads a document's row by its key, in one round trip. A document that lags is caught up with its stream first, and read from the primary:
    /// the session is long, or a node of another version has appended to it.
    /// </summary>
    /// <param name="query">What is asked; its columns begin at 1.</param>
    /// <param name="key">The stream.</param>
    /// <param name="workspaces">The caller's workspaces: a document of no other is found, nor is one written for a caller who will not get it.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The default where there is no such row.</returns>
    internal async Task<T?> ReadDocumentAsync<T>(
        DocumentQuery query, StreamKey key, Guid[] workspaces, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation)
    {
        var sql = query.Sql(_others.MayWrite);
        var row = await ReadAsync(
            async (source, stop) =>
            {
                await using var command = PinnedOf(source).CreateCommand(sql);
                return await RowAsync(command, stop);
            },
            cancellation,
            isGood: row => !row.Lags);
        if (!row.Lags)
            return row.Value;

        row = await Refresh.CatchUpAsync(query.Table, key, async connection =>
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await RowAsync(command, cancellation);
        }, cancellation);
        return row.Value;

        async Task<(bool Lags, T? Value)> RowAsync(NpgsqlCommand command, CancellationToken stop)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = workspaces });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
            await using var reader = await command.ExecuteReaderAsync(stop);
            if (!await reader.ReadAsync(stop))
                return default;
            return reader.GetBoolean(0) ? (true, default) : (false, read(reader));
        }
    }

    /// <summary>Reads, and only reads.</summary>
    /// <param name="read">What is asked; it may be asked twice, of two databases.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="isGood">Whether an answer of a standby will do; any does unless told otherwise.</param>
    internal Task<T> ReadAsync<T>(Func<NpgsqlDataSource, CancellationToken, Task<T>> read, CancellationToken cancellation, Predicate<T>? isGood = null) =>
        Fit() is { } standby ? ReadAsync(standby, read, isGood, cancellation) : read(Primary, cancellation);

    private NpgsqlDataSource PinnedOf(NpgsqlDataSource source) =>
        source == Primary ? _pinned : Standbys.First(standby => standby.Server.Reads == source).Server.Pinned;

    private async Task<T> ReadAsync<T>(Standby standby, Func<NpgsqlDataSource, CancellationToken, Task<T>> read, Predicate<T>? isGood, CancellationToken cancellation)
    {
        try
        {
            var answer = await Standby.PatientlyAsync(patience => read(standby.Server.Reads, patience), cancellation);
            if (isGood?.Invoke(answer) != false)
                return answer;
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException or IOException or SocketException && !cancellation.IsCancellationRequested)
        {
            standby.Failed(e);
        }

        return await read(Primary, cancellation);
    }

    private Standby? Fit()
    {
        if (Standbys.Count == 0)
            return null;

        var first = _isBalanced ? Interlocked.Increment(ref _turn) : 0;
        for (var i = 0u; i < Standbys.Count; i++)
        {
            if (Standbys[(int)((first + i) % (uint)Standbys.Count)] is { IsFit: true } standby)
                return standby;
        }

        return null;
    }
}

/// <summary>Where reads go is configured.</summary>
internal static class ReadsSetup
{
    private const string Name = "results_standby";
    private const string MaxLag = "Reads:MaxLagSeconds";
    private const int DefaultMaxLag = 30;
    private const int LeastMaxLag = 2;
    private const int MostMaxLag = 3_600;

    // One works; one that hangs is given up long before its connection is.
    private const int ConnectionsForLooks = 4;

    /// <summary>Adds what reads go to. Where no standby is configured that is the primary, and nothing watches.</summary>
    /// <exception cref="StartupException">A setting is wrong; the message names it, and repeats no password.</exception>
    public static WebApplicationBuilder AddReads(this WebApplicationBuilder builder, string primary)
    {
        var maxLag = ReadMaxLag(builder.Configuration);
        var (servers, isBalanced) = builder.Configuration.GetConnectionString(Name) is { } configured && !string.IsNullOrWhiteSpace(configured)
            ? Servers(configured)
            : ([], false);
        builder.Services.AddSingleton(services =>
        {
            var (time, logger) = (services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ReadDatabase>>());
            return new ReadDatabase(
                services.GetRequiredService<NpgsqlDataSource>(),
                services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Pinned),
                [.. servers.Select(server => new Standby(server, maxLag, time, logger))],
                isBalanced,
                services.GetRequiredService<DocumentRefresh>(),
                services.GetRequiredService<OtherVersions>());
        });
        if (servers.Count > 0)
        {
            builder.Services.AddHostedService(services => new StandbyWatch(
                services.GetRequiredService<ReadDatabase>(),
                DataSources.Open(ForLooks(new NpgsqlConnectionStringBuilder(primary)), MartenSetup.Schema + ".looks"),
                services.GetRequiredService<TimeProvider>()));
        }

        return builder;
    }

    private static TimeSpan ReadMaxLag(IConfiguration configuration) => configuration[MaxLag] switch
    {
        null or "" => TimeSpan.FromSeconds(DefaultMaxLag),
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= LeastMaxLag and <= MostMaxLag => TimeSpan.FromSeconds(seconds),
        _ => throw new StartupException($"{MaxLag} must be from {LeastMaxLag} to {MostMaxLag}."),
    };

    /// <summary>Each host by itself: how far behind one is says nothing of another.</summary>
    private static (IReadOnlyList<StandbyServer> Servers, bool IsBalanced) Servers(string connectionString)
    {
        if (Database.Parse(connectionString) is not { } all)
            throw Malformed();
        if (string.IsNullOrWhiteSpace(all.Host) || all.Host.Split(',').Any(string.IsNullOrWhiteSpace))
            throw new StartupException($"ConnectionStrings__{Name} names no host, or an empty one.");

        try
        {
            return ([.. all.Host.Split(',').Select((host, i) => Server(all, host.Trim(), i + 1))], all.LoadBalanceHosts);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            // Dropped like the one that Parse drops: it may quote parts of the string.
            throw Malformed();
        }

        static StartupException Malformed() => new($"ConnectionStrings__{Name} is not a connection string that Npgsql understands.");
    }

    private static StandbyServer Server(NpgsqlConnectionStringBuilder all, string host, int number)
    {
        // What chooses between hosts has no meaning for one.
        var one = new NpgsqlConnectionStringBuilder(all.ConnectionString) { Host = host, TargetSessionAttributes = null, LoadBalanceHosts = false };
        var name = string.Create(CultureInfo.InvariantCulture, $"{MartenSetup.Schema}.standby-{number}");
        var reads = DataSources.Open(one.ConnectionString, name);
        using var anyone = reads.CreateConnection();
        return new StandbyServer(anyone.DataSource, reads, DataSources.OpenPinned(one.ConnectionString, name + ".pinned"), DataSources.Open(ForLooks(one), name + ".looks"));
    }

    private static string ForLooks(NpgsqlConnectionStringBuilder parts) =>
        new NpgsqlConnectionStringBuilder(parts.ConnectionString) { MinPoolSize = 0, MaxPoolSize = ConnectionsForLooks }.ConnectionString;
}
