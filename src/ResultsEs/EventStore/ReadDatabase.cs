using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.EventStore;

/// <summary>
/// Where what is only read is read: from a standby that follows the primary closely, where one is configured (<c>ConnectionStrings:results_standby</c>), otherwise
/// from the primary. Whatever a standby cannot answer the primary answers, within the same request.
/// </summary>
public sealed class ReadDatabase : IDisposable
{
    private readonly bool _isBalanced;
    private readonly KeptConnections _kept;
    private uint _turn;

    internal ReadDatabase(NpgsqlDataSource primary, IReadOnlyList<Standby> standbys, bool isBalanced)
    {
        (Primary, Standbys) = (primary, standbys);
        _isBalanced = isBalanced;
        _kept = new KeptConnections(primary);
    }

    /// <summary>The database that is written, and that knows all.</summary>
    internal NpgsqlDataSource Primary { get; }

    /// <summary>The standbys, in the order in which they are configured.</summary>
    internal IReadOnlyList<Standby> Standbys { get; }

    /// <summary>How far the standby is behind that is furthest behind; 0 where there is none.</summary>
    internal double LagSeconds => Standbys.Count == 0 ? 0 : Standbys.Max(standby => standby.Lag).TotalSeconds;

    /// <summary>Closes the connections to standbys; of the primary's only those that are kept are this one's.</summary>
    public void Dispose()
    {
        _kept.Dispose();
        foreach (var standby in Standbys)
            standby.Dispose();
    }

    /// <summary>Connections for reads of a row by its key, of a source that <see cref="ReadAsync{T}(Func{NpgsqlDataSource, CancellationToken, Task{T}}, CancellationToken, Predicate{T}?)"/> gave.</summary>
    internal KeptConnections Kept(NpgsqlDataSource source) => source == Primary ? _kept : Standbys.First(standby => standby.Server.Reads == source).Server.Kept;

    /// <summary>Reads, and only reads.</summary>
    /// <param name="read">What is asked; it may be asked twice, of two databases.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="isGood">Whether an answer of a standby will do; any does unless told otherwise.</param>
    internal Task<T> ReadAsync<T>(Func<NpgsqlDataSource, CancellationToken, Task<T>> read, CancellationToken cancellation, Predicate<T>? isGood = null) =>
        Fit() is { } standby ? ReadAsync(standby, read, isGood, cancellation) : read(Primary, cancellation);

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
                services.GetRequiredService<NpgsqlDataSource>(), [.. servers.Select(server => new Standby(server, maxLag, time, logger))], isBalanced);
        });
        if (servers.Count > 0)
        {
            builder.Services.AddHostedService(services => new StandbyWatch(
                services.GetRequiredService<ReadDatabase>(),
                MartenSetup.Open(ForLooks(new NpgsqlConnectionStringBuilder(primary)), MartenSetup.Schema + ".looks"),
                services.GetRequiredService<TimeProvider>(),
                services.GetRequiredService<ILogger<StandbyWatch>>()));
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
        var reads = MartenSetup.Open(one.ConnectionString, name);
        using var anyone = reads.CreateConnection();
        return new StandbyServer(anyone.DataSource, reads, MartenSetup.Open(ForLooks(one), name + ".looks"));
    }

    private static string ForLooks(NpgsqlConnectionStringBuilder parts) =>
        new NpgsqlConnectionStringBuilder(parts.ConnectionString) { MinPoolSize = 0, MaxPoolSize = ConnectionsForLooks }.ConnectionString;
}
