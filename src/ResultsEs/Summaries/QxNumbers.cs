using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary>The QX scores of the sessions that pass a filter.</summary>
internal static class QxNumbers
{
    // Scores are stored in millionths.
    private const decimal Millionths = 1_000_000;

    /// <summary>Reads the averages of each task group, as <see cref="GetQxScores"/> has them.</summary>
    public static async Task<IReadOnlyList<QxScoreOfGroup>> ReadAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        Build(command, condition);
        var rows = await command.ReadAllAsync(
            reader => (Group: reader.GetGuid(0), Sums: SumsOf(reader), Places: reader.GetInt32(11)), cancellation);
        if (rows.Count == 0)
            return [];

        var values = await ValuesAsync(connection, condition, rows.Max(row => row.Places), cancellation);
        return
        [
            .. rows.GroupBy(row => row.Group, row => row.Sums)
                .Select(group => (Id: group.Key, Sums: group.Aggregate((sum, more) => sum.Plus(more, 1))))
                .OrderByDescending(group => group.Sums.Sessions).ThenBy(group => group.Id)
                .Take(GetQxScores.MaxGroups)
                .OrderBy(group => group.Id)
                .Select(group => QxScoreOfGroup.Of(
                    group.Id, group.Sums with { BehavioralValues = values.GetValueOrDefault(group.Id) ?? [] })),
        ];
    }

    internal static void Build(NpgsqlCommand command, SummaryCondition condition) =>
        // ux_summary_scores, then the primary key of items, label by label.
        command.CommandText =
            $"""
            select c.group_id, i.data, c.sessions, c.behaviorals, c.score, c.{SummaryTable.Behavioral}, c.attitudinal, c.usability,
              c.trust, c.appearance, c.loyalty, c.places
            from (
              select c.test_key, c.group_id, c.label, count(*) as sessions, count(c.{SummaryTable.Behavioral}) as behaviorals,
                max(cardinality(c.behavioral_values)) as places,
                {string.Join(", ", SummaryTable.ScoreColumns.Select(column => $"sum(c.{column}) as {column}"))}
              from {SummaryTable.Scores} c where {condition.OfSessionsRows(command, "c")}
              group by c.test_key, c.group_id, c.label
            ) c
            cross join lateral (
              select i.data from {SummaryTable.Items} i where i.test_key = c.test_key and i.item = c.label offset 0) i
            """;

    internal static void BuildValues(NpgsqlCommand command, SummaryCondition condition, int most)
    {
        var places = Enumerable.Range(1, most)
            .Select(place => $", count(c.behavioral_values[{place}]), coalesce(sum(c.behavioral_values[{place}]), 0)");
        // ux_summary_scores. At most CountedSession.MaxBehavioralValues places: two columns each are much less work than a row each.
        command.CommandText =
            $"""
            select c.group_id{string.Concat(places)}
            from {SummaryTable.Scores} c where {condition.OfSessionsRows(command, "c")}
            group by c.group_id
            """;
    }

    private static QxSums SumsOf(NpgsqlDataReader reader)
    {
        var sessions = reader.GetInt64(2);
        return new QxSums(
            sessions,
            new Dictionary<string, long>(StringComparer.Ordinal) { [TestNumbers.Data(reader, 1).Label!] = sessions },
            Of(4),
            Of(6),
            new Sum(reader.GetInt64(3), reader.IsDBNull(5) ? 0 : Of(5)),
            [],
            Of(7),
            Of(8),
            Of(9),
            Of(10));

        decimal Of(int column) => reader.GetInt64(column) / Millionths;
    }

    /// <summary>Reads the sums of the behavioural values, by their place in the list.</summary>
    private static async Task<Dictionary<Guid, IReadOnlyList<Sum>>> ValuesAsync(
        NpgsqlConnection connection, SummaryCondition condition, int most, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        BuildValues(command, condition, most);
        var rows = await command.ReadAllAsync(
            reader => (
                Group: reader.GetGuid(0),
                Sums: Enumerable.Range(0, most)
                    .Select(place => new Sum(reader.GetInt64(1 + (2 * place)), reader.GetInt64(2 + (2 * place)) / Millionths))
                    .TakeWhile(sum => sum.Count > 0).ToList()),
            cancellation);
        return rows.ToDictionary(row => row.Group, row => (IReadOnlyList<Sum>)row.Sums);
    }
}
