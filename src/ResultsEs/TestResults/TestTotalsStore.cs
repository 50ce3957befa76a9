using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>The SQL of the totals of tests and of the sessions counted in them. Callers own the transaction.</summary>
internal static class TestTotalsStore
{
    public static async Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "delete from results.test_totals; delete from results.test_sessions", connection)
        { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Reads what sessions are counted for. A session without an entry is not counted.</summary>
    public static async Task<Dictionary<StreamKey, CountedSession>> CountedAsync(
        NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, session_id) finds the rows.
        var rows = await new NpgsqlCommand(
            """
            select s.tenant_id, s.session_id, s.workspace_id, s.test_id, s.status, s.scores, s.clips, s.nps, s.started_at, s.product_type
            from unnest($1, $2) k(tenant_id, session_id)
            join results.test_sessions s on s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """, connection).ReadAllAsync(
            sessions.ToParameters(),
            reader =>
            {
                var part = new SessionPart(
                    Status(reader, 4),
                    Read<IReadOnlyDictionary<Guid, QxScore>>(reader, 5),
                    Read<IReadOnlyDictionary<Guid, int>>(reader, 7));
                var counted = new CountedSession(
                    reader.GetGuid(2), reader.GetGuid(3), part, reader.GetFieldValue<Guid[]>(6),
                    Moment(reader, 8), ProductTypeOf(reader, 9));
                return KeyValuePair.Create(reader.ReadKey(), counted);
            },
            cancellation);
        return new(rows);
    }

    /// <summary>Reads which of the sessions are complete and have a document that lags.</summary>
    public static Task<List<StreamKey>> LaggingAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> sessions, CancellationToken cancellation) =>
        // The primary key (tenant_id, id) finds the rows.
        new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id
            from unnest($1, $2) k(tenant_id, id)
            join {SessionResultTable.Name} d on d.tenant_id = k.tenant_id and d.id = k.id
            where d.{DocumentTable.Lag} > 0 and d.status = '{nameof(SessionStatus.Complete)}'
            """, connection).ReadKeysAsync(sessions.ToParameters(), cancellation);

    /// <summary>Reads what sessions count for by their documents. A session without an entry counts for nothing.</summary>
    public static async Task<Dictionary<StreamKey, CountedSession>> CurrentAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows. A session whose start has not arrived belongs to no test.
        // "offset 0" keeps the planner from decompressing the document once per member. Of its tasks only the NPS ones are sent.
        var rows = await new NpgsqlCommand(
            $"""
            select
              d.tenant_id, d.id, d.workspace_id, d.test_id, d.status, p.fold -> 'taskGroups', p.fold -> 'media',
              jsonb_path_query_array(p.body, '$.tasks[*] ? (@.type == "NPS")'), d.start_time, p.body -> 'productType'
            from unnest($1, $2) k(tenant_id, id)
            join {SessionResultTable.Name} d on d.tenant_id = k.tenant_id and d.id = k.id
            cross join lateral (select d.data -> 'fold' as fold, d.data -> 'body' as body offset 0) p
            where d.workspace_id is not null and d.test_id is not null
            """, connection).ReadAllAsync(
            sessions.ToParameters(),
            reader =>
            {
                var groups = Read<IReadOnlyList<TaskGroupFold>>(reader, 5);
                var media = reader.IsDBNull(6) ? null : Read<SessionMedia>(reader, 6);
                var current = CountedSession.Of(
                    reader.GetGuid(2), reader.GetGuid(3), Status(reader, 4), groups, media, Read<IReadOnlyList<TaskBody>>(reader, 7),
                    Moment(reader, 8), reader.IsDBNull(9) ? null : Read<ProductType?>(reader, 9));
                return KeyValuePair.Create(reader.ReadKey(), current);
            },
            cancellation);
        return new(rows);
    }

    /// <summary>Reads the totals of tests; <see cref="TestTotal.None"/> for a test without any.</summary>
    public static async Task<Dictionary<TestKey, TestTotal>> TotalsAsync(
        NpgsqlConnection connection, IReadOnlyList<TestKey> tests, CancellationToken cancellation)
    {
        var totals = tests.ToDictionary(test => test, _ => TestTotal.None);
        await new NpgsqlCommand(
            """
            select t.tenant_id, t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned, t.qx, t.nps
            from unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            join results.test_totals t on t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """, connection).ReadAllAsync(
            Keys(tests),
            reader => totals[new TestKey(reader.GetString(0), reader.GetGuid(1), reader.GetGuid(2))] =
                Total(reader, 3) with { Nps = Read<IReadOnlyDictionary<Guid, NpsCount>>(reader, 7) },
            cancellation);
        return totals;
    }

    /// <summary>Reads totals from four columns, beginning at <paramref name="column"/>; all but the NPS answers.</summary>
    public static TestTotal Total(NpgsqlDataReader reader, int column) => new(
        reader.GetInt64(column),
        reader.GetInt64(column + 1),
        reader.GetInt64(column + 2),
        Read<IReadOnlyDictionary<Guid, QxSums>>(reader, column + 3),
        TestTotal.None.Nps);

    /// <summary>Saves totals (empty ones are deleted) and what sessions are counted for (null: for nothing).</summary>
    public static async Task SaveAsync(
        NpgsqlConnection connection, Dictionary<TestKey, TestTotal> totals, Dictionary<StreamKey, CountedSession?> sessions,
        CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(
            """
            delete from results.test_totals t using unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            where t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """,
            Keys([.. totals.Where(total => total.Value.IsEmpty).Select(total => total.Key)]));

        var filled = totals.Where(total => !total.Value.IsEmpty).ToList();
        Add(
            """
            insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx, nps)
            select * from unnest($1, $2, $3, $4, $5, $6, $7::jsonb[], $8::jsonb[])
            on conflict (tenant_id, workspace_id, test_id) do update
            set in_progress = excluded.in_progress, complete = excluded.complete, abandoned = excluded.abandoned, qx = excluded.qx,
              nps = excluded.nps
            """,
            [
                .. Keys([.. filled.Select(total => total.Key)]),
                filled.Select(total => total.Value.InProgress).ToArray(),
                filled.Select(total => total.Value.Complete).ToArray(),
                filled.Select(total => total.Value.Abandoned).ToArray(),
                filled.Select(total => Text(total.Value.Qx)).ToArray(),
                filled.Select(total => Text(total.Value.Nps)).ToArray(),
            ]);
        Add(
            """
            delete from results.test_sessions s using unnest($1, $2) k(tenant_id, session_id)
            where s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """,
            sessions.Where(session => session.Value is null).Select(session => session.Key).ToParameters());
        var counted = sessions.Where(session => session.Value is not null)
            .Select(session => (session.Key, Value: session.Value!)).ToList();
        // There are no arrays of arrays of different lengths, so clips come as text.
        Add(
            """
            insert into results.test_sessions
              (tenant_id, session_id, workspace_id, test_id, status, scores, clips, nps, started_at, product_type)
            select
              v.tenant_id, v.session_id, v.workspace_id, v.test_id, v.status, v.scores::jsonb, v.clips::uuid[], v.nps::jsonb,
              v.started_at::timestamptz, v.product_type
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
              v(tenant_id, session_id, workspace_id, test_id, status, scores, clips, nps, started_at, product_type)
            on conflict (tenant_id, session_id) do update
            set workspace_id = excluded.workspace_id, test_id = excluded.test_id, status = excluded.status,
              scores = excluded.scores, clips = excluded.clips, nps = excluded.nps, started_at = excluded.started_at,
              product_type = excluded.product_type
            """,
            [
                .. counted.Select(session => session.Key).ToParameters(),
                counted.Select(session => session.Value.Workspace).ToArray(),
                counted.Select(session => session.Value.Test).ToArray(),
                counted.Select(session => session.Value.Part.Status.ToString()).ToArray(),
                counted.Select(session => Text(session.Value.Part.Scores)).ToArray(),
                counted.Select(session => $"{{{string.Join(',', session.Value.Clips)}}}").ToArray(),
                counted.Select(session => Text(session.Value.Part.Nps)).ToArray(),
                counted.Select(session => session.Value.StartedAt?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)).ToArray(),
                counted.Select(session => session.Value.ProductType?.ToString()).ToArray(),
            ]);

        // What a test is known by until it is defined. No sum, so it is looked up: ix_test_sessions_started.
        Add(
            """
            update results.test_totals t
            set first_started_at = coalesce(f.started_at, 'epoch'), product_type = f.product_type
            from unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            left join lateral (
              select s.started_at, s.product_type from results.test_sessions s
              where s.tenant_id = k.tenant_id and s.workspace_id = k.workspace_id and s.test_id = k.test_id
              order by s.started_at, s.session_id limit 1
            ) f on true
            where t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
              and (t.first_started_at, t.product_type) is distinct from (coalesce(f.started_at, 'epoch'), f.product_type)
            """,
            Keys([.. filled.Select(total => total.Key)]));

        await batch.ExecuteNonQueryAsync(cancellation);

        void Add(string sql, object?[] parameters)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.AddAll(parameters);
            batch.BatchCommands.Add(command);
        }
    }

    private static object[] Keys(IReadOnlyList<TestKey> tests) =>
    [
        tests.Select(test => test.Tenant).ToArray(),
        tests.Select(test => test.Workspace).ToArray(),
        tests.Select(test => test.Test).ToArray(),
    ];

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, Json.Of<T>());

    private static SessionStatus Status(NpgsqlDataReader reader, int column) => Enum.Parse<SessionStatus>(reader.GetString(column));

    private static DateTimeOffset? Moment(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    private static ProductType? ProductTypeOf(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : Enum.Parse<ProductType>(reader.GetString(column));

    private static T Read<T>(NpgsqlDataReader reader, int column) =>
        JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), Json.Of<T>())!;
}
