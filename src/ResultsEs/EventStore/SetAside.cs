namespace ResultsEs.EventStore;

/// <summary>A stream that a shared worker has set aside: alone it makes the work fail.</summary>
/// <param name="Worker">The worker's name.</param>
/// <param name="Stream">The stream.</param>
/// <param name="Reason">The failure of the last attempt.</param>
/// <param name="Since">The time of the first attempt that failed.</param>
/// <param name="LastTried">The time of the last one.</param>
/// <param name="Attempts">The number of attempts that failed.</param>
internal sealed record SetAsideItem(
    string Worker, StreamKey Stream, string Reason, DateTime Since, DateTime LastTried, int Attempts);

/// <summary>A shared worker that sets items aside, with its work on one of them, which throws when it fails again.</summary>
internal sealed record SetAsideWorker(string Name, Func<StreamKey, CancellationToken, Task> RetryAsync);

/// <summary>
/// The table of items that shared workers have set aside, each once for each worker. A worker that succeeds with an item removes it.
/// </summary>
internal static partial class SetAside
{
    /// <summary>The table, for SQL.</summary>
    public const string Table = $"{MartenSetup.Schema}.{Name}";

    internal const string Name = "set_aside";

    private const int MaxReason = 500;

    private const string Columns = "a.tenant_id, a.id, a.worker, a.reason, a.since, a.last_tried_at, a.attempts";

    private const string RemoveSql =
        $"""
        delete from {Table} a using unnest($2, $3) k(tenant_id, id)
        where a.worker = $1 and a.tenant_id = k.tenant_id and a.id = k.id
        """;

    /// <summary>Sets an item aside, or counts another attempt, in the connection's transaction. Logs it once.</summary>
    public static async Task AddAsync(
        NpgsqlConnection connection, ILogger logger, string worker, StreamKey item, Exception failure, CancellationToken cancellation)
    {
        var isNew = await new NpgsqlCommand(
            $"""
            insert into {Table} as a (worker, tenant_id, id, reason) values ($1, $2, $3, $4)
            on conflict (worker, tenant_id, id) do update
            set reason = excluded.reason, last_tried_at = now(), attempts = a.attempts + 1
            returning a.attempts = 1
            """, connection).ReadValueAsync<bool>([worker, item.Account, item.Id, ReasonOf(failure)], cancellation);
        // The message of a failure may quote what the item holds, so the log has its kind alone.
        if (isNew)
            LogSetAside(logger, worker, item.Id, item.Account, KindOf(failure));
    }

    public static async Task AddAsync(
        NpgsqlDataSource database, ILogger logger, string worker, StreamKey item, Exception failure, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await AddAsync(connection, logger, worker, item, failure, cancellation);
    }

    /// <summary>Adds a statement that removes items with which a worker has succeeded.</summary>
    public static void AddRemove(NpgsqlBatch batch, string worker, IReadOnlyCollection<StreamKey> items) =>
        batch.Add(RemoveSql, [worker, .. items.ToParameters()]);

    /// <summary>Removes items with which a worker has succeeded.</summary>
    public static async Task RemoveAsync(
        NpgsqlDataSource database, string worker, IReadOnlyCollection<StreamKey> items, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(RemoveSql, [worker, .. items.ToParameters()], cancellation);
    }

    /// <summary>Forgets a stream for all workers, in the connection's transaction: reasons may quote what its events say.</summary>
    public static Task ForgetAsync(NpgsqlConnection connection, StreamKey item, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"delete from {Table} a where a.tenant_id = $1 and a.id = $2", [item.Account, item.Id], cancellation);

    /// <summary>Reads the items of a worker (null: of all), the oldest first.</summary>
    public static Task<List<SetAsideItem>> ListAsync(NpgsqlDataSource database, string? worker, CancellationToken cancellation) =>
        database.CreateCommand(
            $"""
            select {Columns} from {Table} a where $1::varchar is null or a.worker = $1
            order by a.since, a.worker, a.tenant_id, a.id
            """).ReadAllAsync([worker], Item, cancellation);

    /// <summary>Reads the items of a stream, by worker: all, or that of one worker.</summary>
    public static Task<List<SetAsideItem>> FindAsync(
        NpgsqlDataSource database, StreamKey stream, string? worker, CancellationToken cancellation) =>
        // The primary key (worker, tenant_id, id) is small: what is in it needs an operator.
        database.CreateCommand(
            $"""
            select {Columns} from {Table} a
            where a.tenant_id = $1 and a.id = $2 and ($3::varchar is null or a.worker = $3) order by a.worker
            """).ReadAllAsync([stream.Account, stream.Id, worker], Item, cancellation);

    private static SetAsideItem Item(NpgsqlDataReader reader) => new(
        reader.GetString(2), reader.ReadKey(), reader.GetString(3), reader.GetDateTime(4), reader.GetDateTime(5), reader.GetInt32(6));

    /// <summary>Why a failure keeps an item set aside, up to 500 characters.</summary>
    internal static string ReasonOf(Exception failure) => Printable.Excerpt(
        failure is UnfoldableStreamException unfoldable ? unfoldable.Problem : $"{KindOf(failure)}: {MessageOf(failure)}", MaxReason);

    private static string MessageOf(Exception failure) => failure is PostgresException postgres ? postgres.MessageText : failure.Message;

    private static string KindOf(Exception failure) =>
        failure is PostgresException postgres ? $"PostgreSQL {postgres.SqlState}" : failure.GetType().Name;

    [LoggerMessage(
        3201, LogLevel.Warning,
        "{Worker} has set aside {Id} of account {Account} and goes on with the others ({Kind}); see: set-aside list")]
    private static partial void LogSetAside(ILogger logger, string worker, Guid id, string account, string kind);
}
