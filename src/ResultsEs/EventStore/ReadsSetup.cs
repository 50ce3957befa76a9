using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.EventStore;

internal sealed class ReadsOptions
{
    public const string Section = "Reads";

    private const int LeastMaxLag = 2;
    private const int MostMaxLag = 3_600;

    /// <summary>Seconds, 2–3,600: reads go to the primary while a standby lags more.</summary>
    public string MaxLagSeconds { get; init; } = "30";

    /// <summary>The same as a duration; null when it is invalid.</summary>
    public TimeSpan? MaxLag =>
        int.TryParse(MaxLagSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds is >= LeastMaxLag and <= MostMaxLag
            ? TimeSpan.FromSeconds(seconds)
            : null;

    public static IEnumerable<string> Problems(ReadsOptions options) =>
        options.MaxLag is null ? [$"{Section}:MaxLagSeconds must be from {LeastMaxLag} to {MostMaxLag}."] : [];
}

/// <summary>The setup of where reads go: to the configured standbys, or to the primary.</summary>
internal static class ReadsSetup
{
    private const string Name = "results_standby";

    // A look takes one connection. A look that hangs is given up long before its connection is.
    private const int ConnectionsForLooks = 4;

    /// <summary>Adds the database for reads. Without a configured standby that is the primary, and nothing is watched.</summary>
    /// <exception cref="StartupException">A setting is invalid. The message names it, and repeats no password.</exception>
    public static WebApplicationBuilder AddReads(this WebApplicationBuilder builder, string primary)
    {
        builder.Services.AddSettings<ReadsOptions>(builder.Configuration.GetSection(ReadsOptions.Section), ReadsOptions.Problems);
        // Read before the host is built, because it decides whether standbys are watched.
        var configured = builder.Configuration.GetConnectionString(Name);
        var (servers, isBalanced) = string.IsNullOrWhiteSpace(configured) ? ([], false) : Servers(configured);
        builder.Services.AddSingleton(services =>
        {
            var (time, logger) = (services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ReadDatabase>>());
            var maxLag = services.GetRequiredService<IOptions<ReadsOptions>>().Value.MaxLag!.Value;
            return new ReadDatabase(
                services.GetRequiredService<NpgsqlDataSource>(),
                services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Pinned),
                services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Exports),
                [.. servers.Select(server => new Standby(server, maxLag, time, logger))],
                isBalanced,
                services.GetRequiredService<DocumentRefresh>(),
                services.GetRequiredService<OtherVersions>());
        });
        if (servers.Count > 0)
        {
            builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<StandbyWatch>(
                services, DataSources.Open(ForLooks(new NpgsqlConnectionStringBuilder(primary)), MartenSetup.Schema + ".looks")));
        }

        return builder;
    }

    /// <summary>Opens each host of a connection string as its own server, because each has its own lag.</summary>
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
            // The exception is dropped, because it may quote parts of the string.
            throw Malformed();
        }

        static StartupException Malformed() => new($"ConnectionStrings__{Name} is not a connection string that Npgsql understands.");
    }

    private static StandbyServer Server(NpgsqlConnectionStringBuilder all, string host, int number)
    {
        // With one host there is nothing to choose.
        var one = new NpgsqlConnectionStringBuilder(all.ConnectionString) { Host = host, LoadBalanceHosts = false };
        one.TargetSessionAttributes = null;
        var name = $"{MartenSetup.Schema}.standby-{number}";
        var reads = DataSources.Open(one.ConnectionString, name);
        var pinned = DataSources.OpenPinned(one.ConnectionString, name + ".pinned");
        using var anyone = reads.CreateConnection();
        var exports = DataSources.OpenExports(one.ConnectionString, name + ".exports");
        return new StandbyServer(anyone.DataSource, reads, pinned, exports, DataSources.Open(ForLooks(one), name + ".looks"));
    }

    private static string ForLooks(NpgsqlConnectionStringBuilder parts) =>
        new NpgsqlConnectionStringBuilder(parts.ConnectionString) { MinPoolSize = 0, MaxPoolSize = ConnectionsForLooks }.ConnectionString;
}
