using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.EventStore;

/// <summary>The section <c>Reads</c> of the configuration.</summary>
internal sealed class ReadsOptions
{
    /// <summary>The section.</summary>
    public const string Section = "Reads";

    private const int LeastMaxLag = 2;
    private const int MostMaxLag = 3_600;

    /// <summary>Seconds, 2–3,600: reads go to the primary while a standby is further behind.</summary>
    public string MaxLagSeconds { get; init; } = "30";

    /// <summary>The same as a time; null when it is wrong.</summary>
    public TimeSpan? MaxLag =>
        int.TryParse(MaxLagSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= LeastMaxLag and <= MostMaxLag
        ? TimeSpan.FromSeconds(seconds)
        : null;

    /// <summary>Names what is wrong.</summary>
    public static IEnumerable<string> Problems(ReadsOptions options) =>
        options.MaxLag is null ? [$"{Section}:MaxLagSeconds must be from {LeastMaxLag} to {MostMaxLag}."] : [];
}

/// <summary>Where reads go is configured.</summary>
internal static class ReadsSetup
{
    private const string Name = "results_standby";

    // One works; one that hangs is given up long before its connection is.
    private const int ConnectionsForLooks = 4;

    /// <summary>Adds what reads go to. Where no standby is configured that is the primary, and nothing watches.</summary>
    /// <exception cref="StartupException">A setting is wrong; the message names it, and repeats no password.</exception>
    public static WebApplicationBuilder AddReads(this WebApplicationBuilder builder, string primary)
    {
        builder.Services.AddSettings<ReadsOptions>(builder.Configuration.GetSection(ReadsOptions.Section), ReadsOptions.Problems);
        // Before the host is built, because it decides whether standbys are watched.
        var (servers, isBalanced) = builder.Configuration.GetConnectionString(Name) is { } configured && !string.IsNullOrWhiteSpace(configured)
            ? Servers(configured)
            : ([], false);
        builder.Services.AddSingleton(services =>
        {
            var (time, logger) = (services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ReadDatabase>>());
            var maxLag = services.GetRequiredService<IOptions<ReadsOptions>>().Value.MaxLag!.Value;
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
                services.GetRequiredService<DocumentTables>(),
                DataSources.Open(ForLooks(new NpgsqlConnectionStringBuilder(primary)), MartenSetup.Schema + ".looks"),
                services.GetRequiredService<TimeProvider>(),
                services.GetRequiredService<ILogger<StandbyWatch>>()));
        }

        return builder;
    }

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
        return new StandbyServer(
            anyone.DataSource, reads, DataSources.OpenPinned(one.ConnectionString, name + ".pinned"), DataSources.Open(ForLooks(one), name + ".looks"));
    }

    private static string ForLooks(NpgsqlConnectionStringBuilder parts) =>
        new NpgsqlConnectionStringBuilder(parts.ConnectionString) { MinPoolSize = 0, MaxPoolSize = ConnectionsForLooks }.ConnectionString;
}
