using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>The SQL of the sessions that are counted, and of what they count for now. Callers own the transaction.</summary>
internal static class CountedSessionStore
{
    /// <summary>Reads what sessions are counted for. A session without an entry is not counted.</summary>
    public static async Task<Dictionary<StreamKey, CountedSession>> CountedAsync(
        NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // The primary key (tenant_id, session_id) finds the rows.
        var rows = await new NpgsqlCommand(
            """
            select
              s.tenant_id, s.session_id, s.workspace_id, s.test_id, s.status, coalesce(s.counted_scores, '{}'), s.clips,
              coalesce(s.counted_nps, '{}'), s.started_at, s.product_type, s.scores <> '{}' or s.nps <> '{}'
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
                return KeyValuePair.Create(reader.ReadKey(), counted with { IsOfVersionBefore = reader.GetBoolean(10) });
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

    /// <summary>
    /// Reads sessions that a node of the version before counted last, by ix_test_sessions_scores_before and ix_test_sessions_nps_before.
    /// What is set aside is left out.
    /// </summary>
    public static Task<List<StreamKey>> OfVersionBeforeAsync(NpgsqlConnection connection, int limit, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $$"""
            select o.tenant_id, o.session_id
            from (
              select s.tenant_id, s.session_id from results.test_sessions s where s.scores <> '{}'::jsonb
              union all
              select s.tenant_id, s.session_id from results.test_sessions s
              where s.nps <> '{}'::jsonb and not s.scores <> '{}'::jsonb) o
            where not exists (
              select 1 from {{SetAside.Table}} a
              where a.worker = '{{TestTotals.WorkerName}}' and a.tenant_id = o.tenant_id and a.id = o.session_id)
            limit $1
            """, connection).ReadKeysAsync([limit], cancellation);

    /// <summary>Adds statements that save what sessions are counted for (null: for nothing).</summary>
    public static void AddSave(NpgsqlBatch batch, IReadOnlyDictionary<StreamKey, CountedSession?> sessions)
    {
        batch.Add(
            """
            delete from results.test_sessions s using unnest($1, $2) k(tenant_id, session_id)
            where s.tenant_id = k.tenant_id and s.session_id = k.session_id
            """,
            sessions.Where(session => session.Value is null).Select(session => session.Key).ToParameters());
        var counted = sessions.Where(session => session.Value is not null)
            .Select(session => (session.Key, Value: session.Value!)).ToList();
        // There are no arrays of arrays of different lengths, so clips come as text.
        batch.Add(
            """
            insert into results.test_sessions as s
              (tenant_id, session_id, workspace_id, test_id, status, counted_scores, clips, counted_nps, started_at, product_type, scores)
            select
              v.tenant_id, v.session_id, v.workspace_id, v.test_id, v.status, v.scores::jsonb, v.clips::uuid[], v.nps::jsonb,
              v.started_at::timestamptz, v.product_type, '{}'
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
              v(tenant_id, session_id, workspace_id, test_id, status, scores, clips, nps, started_at, product_type)
            on conflict (tenant_id, session_id) do update
            set workspace_id = excluded.workspace_id, test_id = excluded.test_id, status = excluded.status,
              counted_scores = excluded.counted_scores, clips = excluded.clips, counted_nps = excluded.counted_nps,
              started_at = excluded.started_at, product_type = excluded.product_type, scores = '{}', nps = '{}'
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
    }

    private static SessionStatus Status(NpgsqlDataReader reader, int column) => Enum.Parse<SessionStatus>(reader.GetString(column));

    private static DateTimeOffset? Moment(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    private static ProductType? ProductTypeOf(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : Enum.Parse<ProductType>(reader.GetString(column));

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, Json.Of<T>());

    private static T Read<T>(NpgsqlDataReader reader, int column) =>
        JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), Json.Of<T>())!;
}
