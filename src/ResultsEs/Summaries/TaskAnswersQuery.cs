using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Summaries;

/// <summary>The place of an answer in the order of a task's answers.</summary>
internal readonly record struct AnswerPlace(DateTime Start, Guid Document);

/// <summary>Which answers to a task are listed.</summary>
/// <param name="Task">The task.</param>
/// <param name="Filter">The sessions.</param>
/// <param name="Words">What an answer's words contain, in small letters; null: anything.</param>
/// <param name="After">The last place of the page before; null at the begin.</param>
/// <param name="Limit">The most answers.</param>
internal sealed record TaskAnswersQuery(Guid Task, SummaryFilter Filter, string? Words, Cursor? After, int Limit)
{
    /// <summary>The most answers that one request looks at.</summary>
    public const int MaxLooked = 20_000;

    // In most lists every eighth answer is one of those that are asked for, so few are looked at first.
    internal int FirstLooked => 8 * (Limit + 1);

    /// <summary>Finds the next answers, and the place after which to go on; null when there are no more.</summary>
    public async Task<(IReadOnlyList<AnswerPlace> Found, AnswerPlace? Next)> FindAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        var found = new List<AnswerPlace>();
        var after = After is { } cursor ? new AnswerPlace(new DateTime(cursor.Key, DateTimeKind.Utc), cursor.Id) : (AnswerPlace?)null;
        foreach (var looked in new[] { FirstLooked, MaxLooked - FirstLooked })
        {
            await using var command = new NpgsqlCommand(null, connection);
            Build(command, condition, after, looked, Limit + 1 - found.Count);
            var rows = await command.ReadAllAsync(
                reader => (Place: new AnswerPlace(reader.GetDateTime(0), reader.GetGuid(1)), IsEnd: reader.GetBoolean(2)), cancellation);
            found.AddRange(rows.Where(row => !row.IsEnd).Select(row => row.Place));
            if (found.Count > Limit)
                return (found[..Limit], found[Limit - 1]);

            after = rows.Where(row => row.IsEnd).Select(row => (AnswerPlace?)row.Place).FirstOrDefault();
            if (after is null)
                break;
        }

        return (found, after);
    }

    /// <summary>Builds the statement: the first places that are found, and the end of what was looked at.</summary>
    internal void Build(NpgsqlCommand command, SummaryCondition condition, AnswerPlace? after, int looked, int limit)
    {
        var behind = after is { } place
            ? $" and (t.start_time, t.document_id) < ({command.Add(place.Start)}, {command.Add(place.Document)})"
            : "";
        var words = Words is null ? "" : $" and strpos(l.words, {command.Add(Words)}) > 0";
        // ux_summary_tasks backwards, once for each test; then, where more of a session is asked for, ux_summary_sessions, row by row.
        var ofSessions = condition.IsOfSessions
            ? $"""
              and exists (
                select 1 from {SummaryTable.Sessions} s
                where s.test_key = l.test_key and s.start_time = l.start_time and s.document_id = l.document_id
                  and {condition.OfSessions(command, "s")} offset 0)
              """
            : "";
        command.CommandText =
            $"""
            with looked as materialized (
              select t.test_key, t.start_time, t.document_id{(Words is null ? "" : ", t.words")}
              from unnest({command.Add(condition.Tests)}) k(test_key)
              cross join lateral (
                select t.* from {SummaryTable.Tasks} t
                where t.test_key = k.test_key and t.task_id = {command.Add(Task)} and {condition.OfRows(command, "t")}{behind}
                order by t.start_time desc, t.document_id desc limit {looked}
              ) t
              order by t.start_time desc, t.document_id desc limit {looked}
            )
            (select l.start_time, l.document_id, false
             from looked l
             where true{words} {ofSessions}
             order by l.start_time desc, l.document_id desc limit {limit})
            union all
            (select l.start_time, l.document_id, true from looked l
             order by l.start_time desc, l.document_id desc offset {looked - 1} limit 1)
            """;
    }
}
