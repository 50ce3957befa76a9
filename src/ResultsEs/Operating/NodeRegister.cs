using Marten;
using ResultsEs.EventStore;
using Weasel.Core;
using Weasel.Core.Migrations;

namespace ResultsEs.Operating;

/// <summary>The table of the nodes that serve: each has a row, which it renews.</summary>
internal sealed class NodeSchema(Migrator migrator) : FeatureSchemaBase("nodes", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var nodes = MartenSetup.TableNamed("nodes");
        nodes.AddColumn("id", "uuid").AsPrimaryKey();
        nodes.AddColumn("name", "varchar").NotNull();
        nodes.AddColumn("version", "varchar").NotNull();
        nodes.AddColumn("started_at", "timestamptz").NotNull();
        nodes.AddColumn("seen_at", "timestamptz").NotNull();
        yield return nodes;
    }
}

/// <summary>A node that serves, or did a moment ago.</summary>
/// <param name="Name">The name of its machine, and the number of its process.</param>
/// <param name="Version">The version of the service.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="SeenAt">When it last said that it serves; it does so every 15 seconds.</param>
internal sealed record ServingNode(
    string Name, string Version,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset StartedAt,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset SeenAt);

/// <summary>
/// Says every 15 seconds that this node serves. One that stops takes its row away; that of others is forgotten in an hour.
/// </summary>
internal sealed partial class NodeRegister(NpgsqlDataSource database, ILogger<NodeRegister> logger) : PollingService(BetweenBeats)
{
    private static readonly TimeSpan BetweenBeats = TimeSpan.FromSeconds(15);

    private static readonly string Name =
        string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName} {Environment.ProcessId}");

    private static readonly string Version =
        typeof(NodeRegister).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private Guid? _id;

    protected override TimeSpan Interval => BetweenBeats;

    /// <summary>Reads the nodes that were seen in the last hour, the last started first.</summary>
    public static Task<List<ServingNode>> ListAsync(NpgsqlDataSource database, CancellationToken cancellation) => database.CreateCommand(
        """
        select n.name, n.version, n.started_at, n.seen_at from results.nodes n
        where n.seen_at > now() - interval '1 hour' order by n.started_at desc, n.id limit 1000
        """).ReadAllAsync(
        [],
        reader => new ServingNode(
            reader.GetString(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3)),
        cancellation);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_id is not { } id)
            return;

        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await connection.ExecuteAsync("delete from results.nodes where id = $1", [id], cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or ObjectDisposedException)
        {
            // It is forgotten in an hour. A host that is stopped twice at once has closed its connections when the second comes here.
            LogFailed(logger, e);
        }
    }

    protected override async Task PollAsync(CancellationToken stoppingToken) => _id = await database.CreateCommand(
        """
        with gone as (delete from results.nodes where seen_at < now() - interval '1 hour')
        insert into results.nodes as n (id, name, version, started_at, seen_at)
        values (coalesce($1::uuid, gen_random_uuid()), $2, $3, now(), now())
        on conflict (id) do update set seen_at = now()
        returning n.id
        """).ReadValueAsync<Guid>([_id, Name, Version], stoppingToken);

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(4811, LogLevel.Warning, "This node could not say in the table of nodes that it serves")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class OperatingSetup
{
    /// <summary>Adds the table of nodes, and what keeps this node's row.</summary>
    public static WebApplicationBuilder AddOperating(this WebApplicationBuilder builder)
    {
        builder.Services.AddHostedService<NodeRegister>();
        builder.Services.ConfigureMarten(options => options.Storage.Add(new NodeSchema(options.Advanced.Migrator)));
        return builder;
    }
}
