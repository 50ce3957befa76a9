using ResultsEs.EventStore;

namespace ResultsEs.Summaries;

/// <summary>
/// The items of tests while rows are put in the place of others: their numbers, and how many more rows or fewer use each. Owned by one
/// transaction, which holds the locks of the tests.
/// </summary>
internal sealed class ItemUses(TestKeys tests)
{
    /// <summary>The most items of a task, and of a test beside its tasks. What comes beyond is not counted, or as other paths.</summary>
    public const int MaxItems = 10_000;

    private readonly Dictionary<(long Test, Guid Part, Guid Digest), int?> _numbers = [];
    private readonly Dictionary<(long Test, int Item), SummaryItem> _added = [];
    private readonly Dictionary<(long Test, int Item), long> _uses = [];

    /// <summary>Counts that a row uses items, or does not any more.</summary>
    public void Add(long test, IEnumerable<int> items, int sign)
    {
        foreach (var item in items)
            _uses[(test, Math.Abs(item))] = _uses.GetValueOrDefault((test, Math.Abs(item))) + sign;
    }

    /// <summary>Finds or makes the numbers of all items of sessions.</summary>
    public async Task NumberAsync(NpgsqlConnection connection, IReadOnlyList<SummarizedSession> sessions, CancellationToken cancellation)
    {
        var wanted = sessions.SelectMany(session => ItemsOf(session).Select(item => (Test: tests.Of(session), Item: item)))
            .DistinctBy(item => (item.Test, item.Item.Part, item.Item.Digest)).ToList();
        await FindAsync(connection, wanted, cancellation);
        var missing = wanted.Where(item => !_numbers.ContainsKey(KeyOf(item.Test, item.Item))).ToList();
        if (missing.Count == 0)
            return;

        var counts = await CountsAsync(connection, missing, cancellation);
        var beyond = new List<(long Test, SummaryItem Item)>();
        foreach (var (test, item) in missing)
        {
            if (counts.GetValueOrDefault((test, item.Part)) < MaxItems)
            {
                Make(test, item);
                counts[(test, item.Part)] = counts.GetValueOrDefault((test, item.Part)) + 1;
            }
            else
            {
                beyond.Add((test, item));
            }
        }

        await FallBackAsync(connection, beyond, cancellation);
    }

    /// <summary>The numbers of a row's items, as PostgreSQL writes an array.</summary>
    public string Numbers(long test, IEnumerable<CountedItem> items)
    {
        var numbers = items
            .Select(item => (Number: _numbers[KeyOf(test, item.Item)], item.IsThere))
            .Where(item => item.Number is not null)
            .Select(item => item.IsThere ? item.Number!.Value : -item.Number!.Value);
        return $"{{{string.Join(',', numbers)}}}";
    }

    /// <summary>The number of an item that is never dropped.</summary>
    public int Number(long test, SummaryItem item) => _numbers[KeyOf(test, item)]!.Value;

    /// <summary>Stores the new items, and how many rows use each; deletes those that none uses any more.</summary>
    public async Task StoreAsync(NpgsqlConnection connection, IReadOnlyList<SummarizedSession> sessions, CancellationToken cancellation)
    {
        foreach (var session in sessions)
            Use(session);

        await using var batch = new NpgsqlBatch(connection);
        var added = _added.Where(item => _uses.GetValueOrDefault(item.Key) > 0).ToList();
        if (added.Count > 0)
            batch.Add(
                $"""
                insert into {SummaryTable.Items} (test_key, item, part_id, digest, kind, uses, data)
                select * from unnest($1, $2, $3, $4, $5, $6, $7::jsonb[])
                """,
                [
                    added.Select(item => item.Key.Test).ToArray(),
                    added.Select(item => item.Key.Item).ToArray(),
                    added.Select(item => item.Value.Part).ToArray(),
                    added.Select(item => item.Value.Digest).ToArray(),
                    added.Select(item => (short)item.Value.Kind).ToArray(),
                    added.Select(item => _uses[item.Key]).ToArray(),
                    added.Select(item => item.Value.Json).ToArray(),
                ]);
        var changed = _uses.Where(use => use.Value != 0 && !_added.ContainsKey(use.Key)).ToList();
        if (changed.Count > 0)
        {
            object[] keys = [changed.Select(use => use.Key.Test).ToArray(), changed.Select(use => use.Key.Item).ToArray()];
            // The primary key (test_key, item).
            batch.Add(
                $"""
                update {SummaryTable.Items} i set uses = i.uses + k.more from unnest($1, $2, $3) k(test_key, item, more)
                where i.test_key = k.test_key and i.item = k.item
                """, [.. keys, changed.Select(use => use.Value).ToArray()]);
            batch.Add(
                $"""
                delete from {SummaryTable.Items} i using unnest($1, $2) k(test_key, item)
                where i.test_key = k.test_key and i.item = k.item and i.uses <= 0
                """, keys);
        }

        var stored = sessions.GroupBy(tests.Of).Select(some => (Test: some.Key, At: some.Max(session => session.StoredAt))).ToList();
        if (stored.Count > 0)
            batch.Add(
                $"""
                update {SummaryTable.Tests} t
                set next_item = k.next_item, last_stored_at = greatest(t.last_stored_at, k.at)
                from unnest($1, $2, $3) k(test_key, next_item, at)
                where t.test_key = k.test_key
                """,
                [
                    stored.Select(test => test.Test).ToArray(),
                    stored.Select(test => tests.NextItems[test.Test]).ToArray(),
                    stored.Select(test => test.At.UtcDateTime).ToArray(),
                ]);
        if (batch.BatchCommands.Count > 0)
            await batch.ExecuteNonQueryAsync(cancellation);
    }

    private static IEnumerable<SummaryItem> ItemsOf(SummarizedSession session) =>
    [
        .. session.Traits,
        .. session.Tasks.SelectMany(task => task.Items).Select(item => item.Item),
        .. session.Scores.Select(score => score.Label),
    ];

    private static (long Test, Guid Part, Guid Digest) KeyOf(long test, SummaryItem item) => (test, item.Part, item.Digest);

    private void Use(SummarizedSession session)
    {
        var test = tests.Of(session);
        Add(test, ItemsOf(session).Select(item => _numbers[KeyOf(test, item)]).OfType<int>(), 1);
    }

    private void Make(long test, SummaryItem item)
    {
        // Beyond the greatest number it throws, and the session is set aside.
        var number = tests.NextItems[test];
        tests.NextItems[test] = checked(number + 1);
        _numbers[KeyOf(test, item)] = number;
        _added[(test, number)] = item;
    }

    private async Task FindAsync(
        NpgsqlConnection connection, IReadOnlyList<(long Test, SummaryItem Item)> items, CancellationToken cancellation)
    {
        if (items.Count == 0)
            return;

        // ux_summary_items_digest.
        var found = await new NpgsqlCommand(
            $"""
            select i.test_key, i.part_id, i.digest, i.item
            from unnest($1, $2, $3) k(test_key, part_id, digest)
            join {SummaryTable.Items} i on i.test_key = k.test_key and i.part_id = k.part_id and i.digest = k.digest
            """, connection).ReadAllAsync(
            [
                items.Select(item => item.Test).ToArray(),
                items.Select(item => item.Item.Part).ToArray(),
                items.Select(item => item.Item.Digest).ToArray(),
            ],
            reader => (Key: (reader.GetInt64(0), reader.GetGuid(1), reader.GetGuid(2)), Number: reader.GetInt32(3)), cancellation);
        foreach (var (key, number) in found)
            _numbers[key] = number;
    }

    private static async Task<Dictionary<(long Test, Guid Part), long>> CountsAsync(
        NpgsqlConnection connection, IReadOnlyList<(long Test, SummaryItem Item)> items, CancellationToken cancellation)
    {
        var parts = items.Select(item => (item.Test, item.Item.Part)).Distinct().ToList();
        var counts = await new NpgsqlCommand(
            $"""
            select k.test_key, k.part_id, (
              select count(*) from {SummaryTable.Items} i where i.test_key = k.test_key and i.part_id = k.part_id)
            from unnest($1, $2) k(test_key, part_id)
            """, connection).ReadAllAsync(
            [parts.Select(part => part.Test).ToArray(), parts.Select(part => part.Part).ToArray()],
            reader => (Part: (reader.GetInt64(0), reader.GetGuid(1)), Count: reader.GetInt64(2)), cancellation);
        return counts.ToDictionary(part => part.Part, part => part.Count);
    }

    /// <summary>Gives items beyond the bound the numbers of what is counted instead.</summary>
    private async Task FallBackAsync(
        NpgsqlConnection connection, IReadOnlyList<(long Test, SummaryItem Item)> beyond, CancellationToken cancellation)
    {
        var instead = beyond.Where(item => item.Item.Fallback is not null).Select(item => (item.Test, Item: item.Item.Fallback!))
            .DistinctBy(item => KeyOf(item.Test, item.Item)).Where(item => !_numbers.ContainsKey(KeyOf(item.Test, item.Item))).ToList();
        await FindAsync(connection, instead, cancellation);
        foreach (var (test, item) in instead.Where(item => !_numbers.ContainsKey(KeyOf(item.Test, item.Item))))
            Make(test, item);
        foreach (var (test, item) in beyond)
            _numbers[KeyOf(test, item)] = item.Fallback is { } fallback ? _numbers[KeyOf(test, fallback)] : null;
    }
}
