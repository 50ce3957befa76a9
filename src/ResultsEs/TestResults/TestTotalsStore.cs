using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>A task group, or an NPS task, of a test.</summary>
internal readonly record struct TestPartKey(TestKey Test, Guid Part);

/// <summary>The totals of tests that a batch of sessions changes: of each test the task groups and NPS tasks that it touches.</summary>
internal sealed record TouchedTotals(
    IReadOnlySet<TestKey> Tests, IReadOnlySet<TestPartKey> Groups, IReadOnlySet<TestPartKey> Tasks)
{
    /// <summary>The totals that sessions touch with what they were counted for, and with what they count for now.</summary>
    public static TouchedTotals Of(IEnumerable<(TestKey Test, SessionPart Part)> parts)
    {
        var (tests, groups, tasks) = (new HashSet<TestKey>(), new HashSet<TestPartKey>(), new HashSet<TestPartKey>());
        foreach (var (test, part) in parts)
        {
            tests.Add(test);
            groups.UnionWith(part.Scores.Keys.Select(group => new TestPartKey(test, group)));
            tasks.UnionWith(part.Nps.Keys.Select(task => new TestPartKey(test, task)));
        }

        return new TouchedTotals(tests, groups, tasks);
    }
}

/// <summary>
/// The SQL of the totals of tests: a row for each test, task group, label of a group, and NPS task. Callers own the transaction.
/// </summary>
internal static class TestTotalsStore
{
    private const int PlaceBytes = 100;

    /// <summary>Deletes all totals, and what sessions are counted for.</summary>
    public static async Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            delete from results.test_totals; delete from results.test_group_totals; delete from results.test_group_labels;
            delete from results.test_nps_totals; delete from results.test_sessions
            """, connection)
        { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Reads the touched totals; <see cref="TestTotal.None"/> for a test without any. Labels are left out, so that those of the changed
    /// totals are what is to be added to the stored ones.
    /// </summary>
    public static async Task<Dictionary<TestKey, TestTotal>> TotalsAsync(
        NpgsqlConnection connection, TouchedTotals touched, CancellationToken cancellation)
    {
        var groups = new Dictionary<TestKey, Dictionary<Guid, QxSums>>();
        var nps = new Dictionary<TestKey, Dictionary<Guid, NpsCount>>();
        var totals = touched.Tests.ToDictionary(test => test, test => TestTotal.None with
        {
            Qx = groups[test] = [],
            Nps = nps[test] = [],
        });
        // The primary keys find the rows.
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            """
            select t.tenant_id, t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned
            from unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            join results.test_totals t on t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """, Keys(touched.Tests));
        batch.Add(
            """
            select g.tenant_id, g.workspace_id, g.test_id, g.group_id, g.sums
            from unnest($1, $2, $3, $4) k(tenant_id, workspace_id, test_id, group_id)
            join results.test_group_totals g
              on g.tenant_id = k.tenant_id and g.workspace_id = k.workspace_id and g.test_id = k.test_id and g.group_id = k.group_id
            """, Keys(touched.Groups));
        batch.Add(
            """
            select n.tenant_id, n.workspace_id, n.test_id, n.task_id, n.promoters, n.passives, n.detractors
            from unnest($1, $2, $3, $4) k(tenant_id, workspace_id, test_id, task_id)
            join results.test_nps_totals n
              on n.tenant_id = k.tenant_id and n.workspace_id = k.workspace_id and n.test_id = k.test_id and n.task_id = k.task_id
            """, Keys(touched.Tasks));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            totals[Test()] = totals[Test()] with
            {
                InProgress = reader.GetInt64(3),
                Complete = reader.GetInt64(4),
                Abandoned = reader.GetInt64(5),
            };
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            groups[Test()].Add(reader.GetGuid(3), SumsOf(reader.GetFieldValue<byte[]>(4), QxSums.None.Labels));
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            nps[Test()].Add(reader.GetGuid(3), new NpsCount(reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6)));
        return totals;

        TestKey Test() => new(reader.GetString(0), reader.GetGuid(1), reader.GetGuid(2));
    }

    /// <summary>The stored sums of a task group.</summary>
    public static QxSums SumsOf(byte[] json, IReadOnlyDictionary<string, long> labels) =>
        JsonSerializer.Deserialize(json, Json.Of<QxSums>())! with { Labels = labels };

    /// <summary>Adds statements that save the touched totals; empty ones are deleted.</summary>
    public static void AddSave(NpgsqlBatch batch, TouchedTotals touched, IReadOnlyDictionary<TestKey, TestTotal> totals)
    {
        batch.Add(
            """
            delete from results.test_totals t using unnest($1, $2, $3) k(tenant_id, workspace_id, test_id)
            where t.tenant_id = k.tenant_id and t.workspace_id = k.workspace_id and t.test_id = k.test_id
            """,
            Keys(touched.Tests.Where(test => totals[test].IsEmpty)));
        var filled = touched.Tests.Where(test => !totals[test].IsEmpty).ToList();
        batch.Add(
            """
            insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx)
            select k.*, '{}' from unnest($1, $2, $3, $4, $5, $6) k
            on conflict (tenant_id, workspace_id, test_id) do update
            set in_progress = excluded.in_progress, complete = excluded.complete, abandoned = excluded.abandoned
            """,
            [
                .. Keys(filled),
                filled.Select(test => totals[test].InProgress).ToArray(),
                filled.Select(test => totals[test].Complete).ToArray(),
                filled.Select(test => totals[test].Abandoned).ToArray(),
            ]);
        AddGroups(batch, touched, totals);
        AddNps(batch, touched, totals);
    }

    /// <summary>Adds a statement that looks up, once sessions are saved, what tests are known by until they are defined.</summary>
    public static void AddFirstSessions(NpgsqlBatch batch, TouchedTotals touched) =>
        // No sum: ix_test_sessions_started finds the first session.
        batch.Add(
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
            Keys(touched.Tests));

    private static void AddGroups(NpgsqlBatch batch, TouchedTotals touched, IReadOnlyDictionary<TestKey, TestTotal> totals)
    {
        var groups = touched.Groups.Where(group => totals[group.Test].Qx.ContainsKey(group.Part))
            .Select(group => (Key: group, Sums: totals[group.Test].Qx[group.Part])).ToList();
        var removed = touched.Groups.Except(groups.Select(group => group.Key)).ToList();
        foreach (var table in removed.Count == 0 ? [] : new[] { "test_group_totals", "test_group_labels" })
            batch.Add(
                $"""
                delete from results.{table} g using unnest($1, $2, $3, $4) k(tenant_id, workspace_id, test_id, group_id)
                where g.tenant_id = k.tenant_id and g.workspace_id = k.workspace_id and g.test_id = k.test_id and g.group_id = k.group_id
                """, Keys(removed));
        if (groups.Count == 0)
            return;

        batch.Add(
            """
            insert into results.test_group_totals (tenant_id, workspace_id, test_id, group_id, sessions, sums)
            select * from unnest($1, $2, $3, $4, $5, $6::jsonb[])
            on conflict (tenant_id, workspace_id, test_id, group_id) do update set sessions = excluded.sessions, sums = excluded.sums
            """,
            [
                .. Keys(groups.Select(group => group.Key)),
                groups.Select(group => group.Sums.Sessions).ToArray(),
                groups.Select(group => JsonSerializer.Serialize(group.Sums, Json.Of<QxSums>())).ToArray(),
            ]);
        var labels = groups
            .SelectMany(group => group.Sums.Labels.Select(label => (group.Key, Label: label.Key, More: label.Value))).ToList();
        if (labels.Count == 0)
            return;

        object[] keys = [.. Keys(labels.Select(label => label.Key)), labels.Select(label => IdOf(label.Label)).ToArray()];
        batch.Add(
            """
            insert into results.test_group_labels as l
              (tenant_id, workspace_id, test_id, group_id, label_id, label, place, sessions)
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (tenant_id, workspace_id, test_id, group_id, label_id) do update set sessions = l.sessions + excluded.sessions
            """,
            [
                .. keys,
                labels.Select(label => label.Label).ToArray(),
                labels.Select(label => PlaceOf(label.Label)).ToArray(),
                labels.Select(label => label.More).ToArray(),
            ]);
        if (labels.Exists(label => label.More < 0))
            batch.Add(
                """
                delete from results.test_group_labels l
                using unnest($1, $2, $3, $4, $5) k(tenant_id, workspace_id, test_id, group_id, label_id)
                where l.tenant_id = k.tenant_id and l.workspace_id = k.workspace_id and l.test_id = k.test_id
                  and l.group_id = k.group_id and l.label_id = k.label_id and l.sessions <= 0
                """, keys);
    }

    private static void AddNps(NpgsqlBatch batch, TouchedTotals touched, IReadOnlyDictionary<TestKey, TestTotal> totals)
    {
        var tasks = touched.Tasks.Where(task => totals[task.Test].Nps.ContainsKey(task.Part))
            .Select(task => (Key: task, Count: totals[task.Test].Nps[task.Part])).ToList();
        var removed = touched.Tasks.Except(tasks.Select(task => task.Key)).ToList();
        if (removed.Count > 0)
            batch.Add(
                """
                delete from results.test_nps_totals n using unnest($1, $2, $3, $4) k(tenant_id, workspace_id, test_id, task_id)
                where n.tenant_id = k.tenant_id and n.workspace_id = k.workspace_id and n.test_id = k.test_id and n.task_id = k.task_id
                """, Keys(removed));
        if (tasks.Count > 0)
            batch.Add(
                """
                insert into results.test_nps_totals
                  (tenant_id, workspace_id, test_id, task_id, answers, promoters, passives, detractors)
                select * from unnest($1, $2, $3, $4, $5, $6, $7, $8)
                on conflict (tenant_id, workspace_id, test_id, task_id) do update
                set answers = excluded.answers, promoters = excluded.promoters, passives = excluded.passives,
                  detractors = excluded.detractors
                """,
                [
                    .. Keys(tasks.Select(task => task.Key)),
                    tasks.Select(task => task.Count.Answers).ToArray(),
                    tasks.Select(task => task.Count.Promoters).ToArray(),
                    tasks.Select(task => task.Count.Passives).ToArray(),
                    tasks.Select(task => task.Count.Detractors).ToArray(),
                ]);
    }

    private static byte[] IdOf(string label) => SHA256.HashData(Encoding.UTF8.GetBytes(label));

    private static byte[] PlaceOf(string label)
    {
        var bytes = Encoding.UTF8.GetBytes(label);
        return bytes.Length <= PlaceBytes ? bytes : bytes[..PlaceBytes];
    }

    private static object[] Keys(IEnumerable<TestKey> tests)
    {
        var keys = tests.ToList();
        return
        [
            keys.Select(test => test.Tenant).ToArray(),
            keys.Select(test => test.Workspace).ToArray(),
            keys.Select(test => test.Test).ToArray(),
        ];
    }

    private static object[] Keys(IEnumerable<TestPartKey> parts)
    {
        var keys = parts.ToList();
        return [.. Keys(keys.Select(key => key.Test)), keys.Select(key => key.Part).ToArray()];
    }
}
