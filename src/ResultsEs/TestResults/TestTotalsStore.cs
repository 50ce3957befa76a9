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
            select s.tenant_id, s.session_id, s.workspace_id, s.test_id, s.status, s.scores, s.clips
            from unnest($1, $2) k(tenant_id, session_id)
            join results.test_sessions s on s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """, connection).ReadAllAsync(
            sessions.ToParameters(),
            reader =>
            {
                var part = new SessionPart(Status(reader, 4), Read<IReadOnlyDictionary<Guid, QxScore>>(reader, 5));
                var counted = new CountedSession(reader.GetGuid(2), reader.GetGuid(3), part, reader.GetFieldValue<Guid[]>(6));
                return KeyValuePair.Create(reader.ReadKey(), counted);
            },
            cancellation);
        return new(rows);
    }

    /// <summary>Reads what sessions count for by their documents. A session without an entry counts for nothing.</summary>
    public static async Task<Dictionary<StreamKey, CountedSession>> CurrentAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows. A session whose start has not arrived belongs to no test.
        // "offset 0" keeps the planner from decompressing the document once per member.
        var rows = await new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.workspace_id, d.test_id, d.status, p.fold -> 'taskGroups', p.fold -> 'media'
            from unnest($1, $2) k(tenant_id, id)
            join {SessionResultTable.Name} d on d.tenant_id = k.tenant_id and d.id = k.id
            cross join lateral (select d.data -> 'fold' as fold offset 0) p
            where d.workspace_id is not null and d.test_id is not null
            """, connection).ReadAllAsync(
            sessions.ToParameters(),
            reader =>
            {
                var groups = Read<IReadOnlyList<TaskGroupFold>>(reader, 5);
                var media = reader.IsDBNull(6) ? null : Read<SessionMedia>(reader, 6);
                var current = CountedSession.Of(reader.GetGuid(2), reader.GetGuid(3), Status(reader, 4), groups, media);
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
            select t.tenant_id, t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned, t.qx
            from unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            join results.test_totals t on t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """, connection).ReadAllAsync(
            Keys(tests),
            reader => totals[new TestKey(reader.GetString(0), reader.GetGuid(1), reader.GetGuid(2))] = Total(reader, 3),
            cancellation);
        return totals;
    }

    /// <summary>Reads totals from four columns, beginning at <paramref name="column"/>.</summary>
    public static TestTotal Total(NpgsqlDataReader reader, int column) => new(
        reader.GetInt64(column),
        reader.GetInt64(column + 1),
        reader.GetInt64(column + 2),
        Read<IReadOnlyDictionary<Guid, QxSums>>(reader, column + 3));

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
        var qx = filled.Select(total => JsonSerializer.Serialize(total.Value.Qx, Json.Of<IReadOnlyDictionary<Guid, QxSums>>()));
        Add(
            """
            insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx)
            select * from unnest($1, $2, $3, $4, $5, $6, $7::jsonb[])
            on conflict (tenant_id, workspace_id, test_id) do update
            set in_progress = excluded.in_progress, complete = excluded.complete, abandoned = excluded.abandoned, qx = excluded.qx
            """,
            [
                .. Keys([.. filled.Select(total => total.Key)]),
                filled.Select(total => total.Value.InProgress).ToArray(),
                filled.Select(total => total.Value.Complete).ToArray(),
                filled.Select(total => total.Value.Abandoned).ToArray(),
                qx.ToArray(),
            ]);
        Add(
            """
            delete from results.test_sessions s using unnest($1, $2) k(tenant_id, session_id)
            where s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """,
            sessions.Where(session => session.Value is null).Select(session => session.Key).ToParameters());
        foreach (var (key, counted) in sessions.Where(session => session.Value is not null))
        {
            Add(
                """
                insert into results.test_sessions (tenant_id, session_id, workspace_id, test_id, status, scores, clips)
                values ($1, $2, $3, $4, $5, $6::jsonb, $7)
                on conflict (tenant_id, session_id) do update
                set workspace_id = excluded.workspace_id, test_id = excluded.test_id, status = excluded.status,
                  scores = excluded.scores, clips = excluded.clips
                """,
                [
                    key.Account,
                    key.Id,
                    counted!.Workspace,
                    counted.Test,
                    counted.Part.Status.ToString(),
                    JsonSerializer.Serialize(counted.Part.Scores, Json.Of<IReadOnlyDictionary<Guid, QxScore>>()),
                    counted.Clips.ToArray(),
                ]);
        }

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

    private static SessionStatus Status(NpgsqlDataReader reader, int column) => Enum.Parse<SessionStatus>(reader.GetString(column));

    private static T Read<T>(NpgsqlDataReader reader, int column) =>
        JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), Json.Of<T>())!;
}
