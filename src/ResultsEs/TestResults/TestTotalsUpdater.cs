using System.Text.Json;
using JasperFx.Events.Projections;
using Marten;
using Npgsql;
using NpgsqlTypes;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// Keeps the totals of tests: takes the sessions that were named as changed, reads what of each counts now, and puts it in the
/// place of what was counted before, all in one transaction. Names are written in the transaction of the events, so none can be
/// overtaken, and what is counted comes from the document as it is now, so neither order nor repetition matters. One node at a
/// time does this, by a lock that ends with its transaction; a node that is killed leaves nothing to clean up.
/// </summary>
internal sealed partial class TestTotalsUpdater(NpgsqlDataSource database, DocumentRefresh refresh, ILogger<TestTotalsUpdater> logger) : BackgroundService
{
    /// <summary>How long changes wait at most while all is well: what totals may lag behind.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private const int SessionsPerTransaction = 1_000;
    private const string LockKey = "hashtextextended('results.test_totals', 0)";
    private const string Changes = "results.test_changes";
    private const string Rebuilt = "results.test_changes_rebuilt";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>A statement of Marten's unit of work that queues sessions of an account for recounting.</summary>
    public const string EnqueueSql = $"insert into {Changes} (tenant_id, session_id) select ?, unnest(?::uuid[])";

    /// <summary>Names sessions as changed, in the transaction of <paramref name="connection"/>.</summary>
    public static Task TellAsync(NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation) =>
        TellAsync(connection, Changes, sessions, cancellation);

    /// <summary>Names sessions whose documents a rebuild has made, and which count otherwise once they are served: for <see cref="RecountAsync"/>.</summary>
    public static Task TellRebuiltAsync(NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation) =>
        TellAsync(connection, Rebuilt, sessions, cancellation);

    /// <summary>Forgets what was named for a rebuild.</summary>
    public static async Task ForgetRebuiltAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"delete from {Rebuilt}", connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task TellAsync(NpgsqlConnection connection, string table, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation)
    {
        if (sessions.Count == 0)
            return;

        await using var command = new NpgsqlCommand($"insert into {table} (tenant_id, session_id) select * from unnest($1, $2)", connection);
        command.Parameters.AddKeys(sessions);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Counts all sessions anew, in one transaction: until its end readers see what was there, and what changes meanwhile stays named.
    /// Waits while another node counts, and they for it.
    /// </summary>
    /// <returns>How many sessions were counted.</returns>
    public static async Task<long> RebuildAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var begin = new NpgsqlCommand($"select pg_advisory_xact_lock({LockKey}); delete from results.test_totals; delete from results.test_sessions", connection) { CommandTimeout = 0 })
            await begin.ExecuteNonQueryAsync(cancellation);

        var (last, sessions) = (new StreamKey("", Guid.Empty), 0L);
        while (await NextAsync(connection, last, cancellation) is { Count: > 0 } some)
        {
            await CountAsync(connection, some, cancellation);
            (last, sessions) = (some[^1], sessions + some.Count);
        }

        await transaction.CommitAsync(cancellation);
        return sessions;
    }

    /// <summary>Takes changes until there are none, or another node takes them.</summary>
    /// <returns>How many sessions were looked at.</returns>
    public static async Task<int> UpdateAsync(NpgsqlDataSource database, DocumentRefresh refresh, CancellationToken cancellation)
    {
        var sessions = 0;
        while (await UpdateSomeAsync(database, refresh, cancellation) is > 0 and var some)
            sessions += some;
        return sessions;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = Interval;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await UpdateAsync(database, refresh, stoppingToken);
                pause = Interval;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Nothing is passed over: the changes stay until they are taken.
                LogFailed(logger, e);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Counts again the sessions that <see cref="TellRebuiltAsync"/> has named, some at a time: after the documents that a rebuild has made are served. Readers see
    /// the counts change as it goes.
    /// </summary>
    public static async Task RecountAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        while (true)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await LockAsync(connection, cancellation);
            var some = await TakeAsync(connection, Rebuilt, cancellation);
            if (some.Count == 0)
                return;

            await CountAsync(connection, some, cancellation);
            await transaction.CommitAsync(cancellation);
        }
    }

    /// <summary>
    /// Those of the sessions that are not counted as <paramref name="sessions"/> says, or will be counted again before long. What is written after this
    /// has begun may change either.
    /// </summary>
    public static async Task<IReadOnlyList<StreamKey>> DifferingAsync(
        NpgsqlConnection connection, IReadOnlyDictionary<StreamKey, CountedSession?> sessions, CancellationToken cancellation)
    {
        // The names first: one that is taken after this was not seen, and then the count is seen that came of it.
        var waiting = await WaitingAsync(connection, sessions.Keys, cancellation);
        var counted = await CountedAsync(connection, sessions.Keys, cancellation);
        return [.. sessions.Where(session => waiting.Contains(session.Key) || !CountedSession.Same(counted.GetValueOrDefault(session.Key), session.Value)).Select(session => session.Key)];
    }

    private static async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select pg_advisory_xact_lock({LockKey})", connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<int> UpdateSomeAsync(NpgsqlDataSource database, DocumentRefresh refresh, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        if (!await IsAnyChangedAsync(connection, cancellation))
            return 0;

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await TryLockAsync(connection, cancellation))
            return 0;

        using var span = Telemetry.BeginTotals();
        var changed = await TakeAsync(connection, Changes, cancellation);
        if (changed.Count == 0)
            return 0;

        // What nodes of another version wrote is in the documents that are read here before it is counted.
        var stale = await StreamLog.StaleAsync(connection, SessionResultTable.Documents, changed, cancellation);
        await refresh.RefreshAsync(SessionResultTable.Documents, stale, cancellation);
        await CountAsync(connection, changed, cancellation);
        await transaction.CommitAsync(cancellation);
        return changed.Count;
    }

    /// <summary>Puts what sessions count for now in the place of what was counted of them before.</summary>
    private static async Task CountAsync(NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, CancellationToken cancellation)
    {
        // What is read here, after the names were taken, holds all they stood for.
        var before = await CountedAsync(connection, changed, cancellation);
        var now = await CurrentAsync(connection, changed, cancellation);
        var moved = changed.Where(session => !CountedSession.Same(before.GetValueOrDefault(session), now.GetValueOrDefault(session))).ToList();
        var totals = await TotalsAsync(connection, [.. moved.SelectMany(session => Tests(before, session).Concat(Tests(now, session))).Distinct()], cancellation);
        foreach (var session in moved)
        {
            if (before.TryGetValue(session, out var old))
                totals[old.TestOf(session)] = totals[old.TestOf(session)].Without(old.Part);
            if (now.TryGetValue(session, out var current))
                totals[current.TestOf(session)] = totals[current.TestOf(session)].With(current.Part);
        }

        await SaveAsync(connection, totals, moved.ToDictionary(session => session, now.GetValueOrDefault), cancellation);

        static IEnumerable<TestKey> Tests(Dictionary<StreamKey, CountedSession> sessions, StreamKey session) =>
            sessions.TryGetValue(session, out var counted) ? [counted.TestOf(session)] : [];
    }

    private static async Task<IReadOnlyList<StreamKey>> NextAsync(NpgsqlConnection connection, StreamKey last, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id), in its order.
        await using var command = new NpgsqlCommand(
            $"select d.tenant_id, d.id from {SessionResultTable.Name} d where (d.tenant_id, d.id) > ($1, $2) order by d.tenant_id, d.id limit $3", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = last.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = last.Id });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = SessionsPerTransaction });
        return await command.ReadKeysAsync(cancellation);
    }

    private static async Task<bool> IsAnyChangedAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select exists (select 1 from results.test_changes)", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select pg_try_advisory_xact_lock({LockKey})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<HashSet<StreamKey>> WaitingAsync(NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // No index: the table holds what is waiting and no more.
        await using var command = new NpgsqlCommand(
            $"select distinct c.tenant_id, c.session_id from {Changes} c where (c.tenant_id, c.session_id) in (select * from unnest($1, $2))", connection);
        command.Parameters.AddKeys(sessions);
        return [.. await command.ReadKeysAsync(cancellation)];
    }

    private static async Task<IReadOnlyList<StreamKey>> TakeAsync(NpgsqlConnection connection, string table, CancellationToken cancellation)
    {
        // Nobody else deletes, and the table holds what is waiting and no more: no index, so that naming a session costs least.
        await using var command = new NpgsqlCommand(
            $"""
            delete from {table} c
            where c.ctid = any(array(select w.ctid from {table} w limit $1))
            returning c.tenant_id, c.session_id
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = SessionsPerTransaction });
        return [.. (await command.ReadKeysAsync(cancellation)).Distinct()];
    }

    private static async Task<Dictionary<StreamKey, CountedSession>> CountedAsync(
        NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, session_id) finds the rows.
        await using var command = new NpgsqlCommand(
            """
            select s.tenant_id, s.session_id, s.workspace_id, s.test_id, s.status, s.scores, s.clips
            from unnest($1, $2) k(tenant_id, session_id)
            join results.test_sessions s on s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """, connection);
        command.Parameters.AddKeys(sessions);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var counted = new Dictionary<StreamKey, CountedSession>();
        while (await reader.ReadAsync(cancellation))
        {
            counted.Add(
                new StreamKey(reader.GetString(0), reader.GetGuid(1)),
                new CountedSession(reader.GetGuid(2), reader.GetGuid(3), new SessionPart(Status(reader, 4), Read<IReadOnlyDictionary<Guid, QxScore>>(reader, 5)), reader.GetFieldValue<Guid[]>(6)));
        }

        return counted;
    }

    private static async Task<Dictionary<StreamKey, CountedSession>> CurrentAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows. A session whose start is not in belongs to no test yet. "offset 0" keeps the planner from
        // unpacking the document once for each member.
        await using var command = new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.workspace_id, d.test_id, d.status, p.fold -> 'taskGroups', p.fold -> 'media'
            from unnest($1, $2) k(tenant_id, id)
            join {SessionResultTable.Name} d on d.tenant_id = k.tenant_id and d.id = k.id
            cross join lateral (select d.data -> 'fold' as fold offset 0) p
            where d.workspace_id is not null and d.test_id is not null
            """, connection);
        command.Parameters.AddKeys(sessions);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var current = new Dictionary<StreamKey, CountedSession>();
        while (await reader.ReadAsync(cancellation))
        {
            var media = reader.IsDBNull(6) ? null : Read<SessionMedia>(reader, 6);
            current.Add(
                new StreamKey(reader.GetString(0), reader.GetGuid(1)),
                CountedSession.Of(reader.GetGuid(2), reader.GetGuid(3), Status(reader, 4), Read<IReadOnlyList<TaskGroupFold>>(reader, 5), media));
        }

        return current;
    }

    private static async Task<Dictionary<TestKey, TestTotal>> TotalsAsync(NpgsqlConnection connection, IReadOnlyList<TestKey> tests, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            select t.tenant_id, t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned, t.qx
            from unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            join results.test_totals t on t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """, connection);
        Add(command, tests);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var totals = tests.ToDictionary(test => test, _ => TestTotal.None);
        while (await reader.ReadAsync(cancellation))
            totals[new TestKey(reader.GetString(0), reader.GetGuid(1), reader.GetGuid(2))] = Total(reader, 3);
        return totals;
    }

    /// <summary>A total whose four columns begin at <paramref name="column"/>.</summary>
    internal static TestTotal Total(NpgsqlDataReader reader, int column) =>
        new(reader.GetInt64(column), reader.GetInt64(column + 1), reader.GetInt64(column + 2), Read<IReadOnlyDictionary<Guid, QxSums>>(reader, column + 3));

    private static async Task SaveAsync(
        NpgsqlConnection connection, Dictionary<TestKey, TestTotal> totals, Dictionary<StreamKey, CountedSession?> sessions, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);

        var empty = Command("delete from results.test_totals t using unnest($1, $2, $3) k(tenant_id, workspace_id, test_id) where t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id");
        Add(empty, [.. totals.Where(total => total.Value.IsEmpty).Select(total => total.Key)]);

        var filled = totals.Where(total => !total.Value.IsEmpty).ToList();
        var save = Command(
            """
            insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx)
            select * from unnest($1, $2, $3, $4, $5, $6, $7)
            on conflict (tenant_id, workspace_id, test_id) do update
            set in_progress = excluded.in_progress, complete = excluded.complete, abandoned = excluded.abandoned, qx = excluded.qx
            """);
        Add(save, [.. filled.Select(total => total.Key)]);
        save.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. filled.Select(total => total.Value.InProgress)] });
        save.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. filled.Select(total => total.Value.Complete)] });
        save.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. filled.Select(total => total.Value.Abandoned)] });
        save.Parameters.Add(JsonArray(filled.Select(total => JsonSerializer.Serialize(total.Value.Qx, Json.Of<IReadOnlyDictionary<Guid, QxSums>>()))));

        var gone = Command("delete from results.test_sessions s using unnest($1, $2) k(tenant_id, session_id) where s.tenant_id = k.tenant_id and s.session_id = k.session_id");
        gone.Parameters.AddKeys([.. sessions.Where(session => session.Value is null).Select(session => session.Key)]);

        foreach (var (key, counted) in sessions.Where(session => session.Value is not null))
        {
            var one = Command(
                """
                insert into results.test_sessions (tenant_id, session_id, workspace_id, test_id, status, scores, clips) values ($1, $2, $3, $4, $5, $6, $7)
                on conflict (tenant_id, session_id) do update
                set workspace_id = excluded.workspace_id, test_id = excluded.test_id, status = excluded.status, scores = excluded.scores, clips = excluded.clips
                """);
            one.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
            one.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
            one.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = counted!.Workspace });
            one.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = counted.Test });
            one.Parameters.Add(new NpgsqlParameter<string> { TypedValue = counted.Part.Status.ToString() });
            one.Parameters.Add(new NpgsqlParameter<string> { TypedValue = counted.Scores, NpgsqlDbType = NpgsqlDbType.Jsonb });
            one.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. counted.Clips] });
        }

        await batch.ExecuteNonQueryAsync(cancellation);

        NpgsqlBatchCommand Command(string sql)
        {
            var command = new NpgsqlBatchCommand(sql);
            batch.BatchCommands.Add(command);
            return command;
        }
    }

    private static void Add(NpgsqlCommand command, IReadOnlyList<TestKey> tests) => Add(command.Parameters, tests);

    private static void Add(NpgsqlBatchCommand command, IReadOnlyList<TestKey> tests) => Add(command.Parameters, tests);

    private static void Add(NpgsqlParameterCollection parameters, IReadOnlyList<TestKey> tests)
    {
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. tests.Select(test => test.Tenant)] });
        parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. tests.Select(test => test.Workspace)] });
        parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. tests.Select(test => test.Test)] });
    }

    private static SessionStatus Status(NpgsqlDataReader reader, int column) => Enum.Parse<SessionStatus>(reader.GetString(column));

    private static NpgsqlParameter JsonArray(IEnumerable<string> json) =>
        new NpgsqlParameter<string[]> { TypedValue = [.. json], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };

    private static T Read<T>(NpgsqlDataReader reader, int column) => JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), Json.Of<T>())!;

    [LoggerMessage(1201, LogLevel.Error, "Updating the totals of tests failed; the changed sessions stay named and are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

/// <summary>The read model's services.</summary>
internal static class TestTotalsSetup
{
    /// <summary>Adds what keeps the totals of tests.</summary>
    public static WebApplicationBuilder AddTestTotals(this WebApplicationBuilder builder)
    {
        builder.Services.AddHostedService<TestTotalsUpdater>();
        builder.Services.ConfigureMarten(options =>
        {
            options.Storage.Add(new TestTotalsSchema(options.Advanced.Migrator));
            options.Projections.Add(new RecountProjection(), ProjectionLifecycle.Inline);
        });
        builder.Services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents ? TestTotalsUpdater.TellAsync(connection, changed, cancellation) : Task.CompletedTask);
        return builder;
    }
}
