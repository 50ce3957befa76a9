using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Summaries;

/// <summary>Compares what is stored of sessions in the summaries with their documents. Writes nothing.</summary>
internal sealed class SummaryVerification(NpgsqlDataSource database)
{
    /// <summary>
    /// Finds sessions of an account that are counted otherwise than their documents say. Those whose changes wait are left out.
    /// </summary>
    public async Task<IReadOnlyList<Guid>> DifferingAsync(string account, Guid[] sessions, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // It is rolled back: numbers that it makes for items which are not there are nobody's.
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await SummaryTable.Locks.TakeAsync(connection, account, sessions, cancellation);
        var followed = await FeedWorker.ReadAsync(connection, account, sessions, cancellation);
        // Asked after the documents are read: what changed before is among the changes now.
        var waiting = await WaitingAsync(connection, account, sessions, followed, cancellation);
        var documents = followed.Where(document => !waiting.Contains(document.Document.Id))
            .Select(SummarizedSession.Of).OfType<SummarizedSession>().ToList();
        var tests = await SummaryTable.TestKeysAsync(connection, account, [], documents, cancellation);
        var uses = new ItemUses(tests);
        await uses.NumberAsync(connection, documents, cancellation);
        var expected = documents.ToLookup(document => document.Session, document => TextOf(tests.Of(document), document, uses));
        var stored = await StoredAsync(connection, account, sessions, cancellation);
        return
        [
            .. sessions.Where(session => !waiting.Contains(session) && !expected[session].Order(StringComparer.Ordinal)
                .SequenceEqual(stored[session].Order(StringComparer.Ordinal), StringComparer.Ordinal)),
        ];
    }

    private static string TextOf(long test, SummarizedSession session, ItemUses uses)
    {
        var tasks = session.Tasks.Select(task =>
            $"{task.Id} {task.DurationMs} {uses.Numbers(test, task.Items)} {task.Words}");
        var scores = session.Scores.Select(score =>
            $"{score.Group} {uses.Number(test, score.Label)} {string.Join(' ', score.Values.Select(value => value ?? -1))} "
                + $"{{{string.Join(',', score.Behavioral)}}}");
        return Text(
            $"{test} {session.Key} {session.Start.UtcTicks} {(short)session.Status} "
                + $"{uses.Numbers(test, session.Traits.Select(trait => new CountedItem(trait)))} "
                + $"{uses.Numbers(test, session.Tasks.Select(task => task.Items[0]))} "
                + uses.Numbers(test, session.Scores.Select(score => new CountedItem(score.Label))),
            tasks, scores);
    }

    private static async Task<ILookup<Guid, string>> StoredAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, CancellationToken cancellation)
    {
        var values = string.Join(", ", SummaryTable.ScoreColumns.Select(column => $"coalesce(c.{column}, -1)"));
        // ix_summary_sessions_session; the tasks and scores by their indexes, from the items that name them.
        var rows = await new NpgsqlCommand(
            $"""
            select s.session_id, s.test_key, s.document_id, s.start_time, s.status, s.traits::text, s.tasks::text, s.labels::text,
              array(
                select concat_ws(' ', t.task_id, coalesce(t.duration_ms::text, ''), t.items::text, coalesce(t.words, ''))
                from unnest(s.tasks) k(item)
                join {SummaryTable.Items} i on i.test_key = s.test_key and i.item = abs(k.item)
                join {SummaryTable.Tasks} t on t.test_key = s.test_key and t.task_id = i.part_id and t.start_time = s.start_time
                  and t.document_id = s.document_id),
              array(
                select concat_ws(' ', c.group_id, c.label, {values}, c.behavioral_values::text)
                from unnest(s.labels) k(item)
                join {SummaryTable.Items} i on i.test_key = s.test_key and i.item = k.item
                join {SummaryTable.Scores} c on c.test_key = s.test_key and c.group_id = i.part_id and c.start_time = s.start_time
                  and c.document_id = s.document_id)
            from {SummaryTable.Sessions} s
            where s.tenant_id = $1 and s.session_id = any($2)
            """, connection).ReadAllAsync(
            [account, sessions],
            reader => (
                Session: reader.GetGuid(0),
                Text: Text(
                    $"{reader.GetInt64(1)} {reader.GetGuid(2)} {reader.GetDateTime(3).Ticks} {reader.GetInt16(4)} "
                        + $"{reader.GetString(5)} {reader.GetString(6)} {reader.GetString(7)}",
                    reader.GetFieldValue<string[]>(8), reader.GetFieldValue<string[]>(9))),
            cancellation);
        return rows.ToLookup(row => row.Session, row => row.Text);
    }

    private static string Text(string head, IEnumerable<string> tasks, IEnumerable<string> scores) =>
        string.Join('\n', [head, .. tasks.Order(StringComparer.Ordinal), .. scores.Order(StringComparer.Ordinal)]);

    private static async Task<HashSet<Guid>> WaitingAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<FollowedDocument> documents,
        CancellationToken cancellation)
    {
        const string Waits =
            """
            c.tenant_id = $1 and c.session_id = k.id and c.position > coalesce(
              (select p.position from results.summary_progress p where p.tenant_id = $1), 0)
            """;
        // ux_session_changes_there and ux_session_changes_removed (tenant_id, session_id): by the keys of documents, those that went
        // among them.
        var waiting = await new NpgsqlCommand(
            $"""
            with k as materialized (
              select unnest($2) as id
              union
              select s.document_id from {SummaryTable.Sessions} s where s.tenant_id = $1 and s.session_id = any($3)
            )
            select coalesce(c.{DocumentTable.Stream}, c.session_id) from k
            join results.session_changes c on {Waits} and c.reason is null
            union
            select coalesce(c.{DocumentTable.Stream}, c.session_id) from k
            join results.session_changes c on {Waits} and c.reason is not null
            """, connection).ReadAllAsync(
            [account, sessions.Concat(documents.Select(document => document.Key)).Distinct().ToArray(), sessions],
            reader => reader.GetGuid(0), cancellation);
        return [.. waiting];
    }
}
