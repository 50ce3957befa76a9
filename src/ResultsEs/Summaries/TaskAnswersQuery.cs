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

    /// <summary>Finds the next answers, and the place after which to go on; null when there are no more.</summary>
    public async Task<(IReadOnlyList<AnswerPlace> Found, AnswerPlace? Next)> FindAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        Build(command, condition);
        var rows = await command.ReadAllAsync(
            reader => (Place: new AnswerPlace(reader.GetDateTime(0), reader.GetGuid(1)), IsEnd: reader.GetBoolean(2)), cancellation);
        var found = rows.Where(row => !row.IsEnd).Select(row => row.Place).ToList();
        if (found.Count > Limit)
            return (found[..Limit], found[Limit - 1]);
        return (found, rows.Where(row => row.IsEnd).Select(row => (AnswerPlace?)row.Place).FirstOrDefault());
    }

    /// <summary>Builds the statement: the places that are found, one more than asked for, and the end of what was looked at.</summary>
    internal void Build(NpgsqlCommand command, SummaryCondition condition)
    {
        var after = After is { } place
            ? $" and (t.start_time, t.document_id) < ({command.Add(new DateTime(place.Key, DateTimeKind.Utc))}, {command.Add(place.Id)})"
            : "";
        var words = Words is null ? "" : $" and strpos(l.words, {command.Add(Words)}) > 0";
        // ux_summary_tasks backwards, once for each test; then ux_summary_sessions, row by row.
        command.CommandText =
            $"""
            with looked as materialized (
              select t.test_key, t.start_time, t.document_id{(Words is null ? "" : ", t.words")}
              from unnest({command.Add(condition.Tests)}) k(test_key)
              cross join lateral (
                select t.* from {SummaryTable.Tasks} t
                where t.test_key = k.test_key and t.task_id = {command.Add(Task)} and {condition.OfRows(command, "t")}{after}
                order by t.start_time desc, t.document_id desc limit {MaxLooked}
              ) t
              order by t.start_time desc, t.document_id desc limit {MaxLooked}
            )
            (select l.start_time, l.document_id, false
             from looked l
             where exists (
               select 1 from {SummaryTable.Sessions} s
               where s.test_key = l.test_key and s.start_time = l.start_time and s.document_id = l.document_id
                 and {condition.OfSessions(command, "s")} offset 0){words}
             order by l.start_time desc, l.document_id desc limit {Limit + 1})
            union all
            (select l.start_time, l.document_id, true from looked l
             order by l.start_time desc, l.document_id desc offset {MaxLooked - 1} limit 1)
            """;
    }
}
