using ResultsEs.TestResults;

[assembly: JsonContext<ResultsEs.Exports.WideJson>]

namespace ResultsEs.Exports;

/// <summary>A column of the wide format: a task, or an option, row or rank of it.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Key">The key of its answers in v3; a task whose type changed has columns for each.</param>
/// <param name="Part">The option's or row's id; null for the task itself.</param>
/// <param name="Header">What stands above it.</param>
internal sealed record WideColumn(
    Guid TaskId, string Key, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Part, string Header)
{
    [JsonIgnore]
    public Column Column => new(Header, Key switch
    {
        "nps" => ColumnKind.Whole,
        "ratingScale" => ColumnKind.Number,
        "multipleChoice" when Part is not "" => ColumnKind.Flag,
        "rankOrder" or "image" => ColumnKind.Whole,
        _ => ColumnKind.Text,
    });
}

/// <summary>The columns of the wide format of one test, in the plan's order.</summary>
internal sealed record WidePlan(IReadOnlyList<WideColumn> Tasks)
{
    /// <summary>The most columns of tasks and options. A spreadsheet has 16,384 in all.</summary>
    public const int MaxColumns = 16_000;

    /// <summary>The columns before those of tasks.</summary>
    public static readonly IReadOnlyList<Column> Head =
    [
        new("session_id", ColumnKind.Uuid), new("workspace_id", ColumnKind.Uuid), new("status", ColumnKind.Text),
        new("start_time", ColumnKind.Time), new("finish_time", ColumnKind.Time), new("audience_id", ColumnKind.Uuid),
        new("participant_id", ColumnKind.Uuid),
    ];

    /// <summary>All columns. The last holds, as JSON, the answers to tasks that came while the export was made.</summary>
    [JsonIgnore]
    public IReadOnlyList<Column> Columns => [.. Head, .. Tasks.Select(task => task.Column), new("other_answers", ColumnKind.Text)];
}

/// <summary>
/// Finds the columns: it is shown every session, and then knows all tasks and options there are. First those of the definition, in its
/// order; then the others, by their positions. Owned by one export.
/// </summary>
internal sealed class WidePlanner
{
    // A task's text can be much longer than what a column needs above it.
    private const int MaxHeader = 200;

    private readonly Dictionary<Guid, SeenTask> _tasks = [];
    private int _columns;

    public WidePlanner(TestDefinition? definition)
    {
        foreach (var (place, task) in (definition?.Tasks ?? []).Index())
        {
            if (task.TaskId is { } id)
                _tasks.TryAdd(id, new SeenTask(place - int.MaxValue, task.Text));
        }
    }

    /// <summary>True when there are more columns than the wide format has.</summary>
    public bool IsOver => _columns > WidePlan.MaxColumns;

    public void See(in StoredSession session)
    {
        foreach (var task in session.Tasks)
        {
            if (IsOver)
                return;
            if (!_tasks.TryGetValue(task.Id, out var seen))
                _tasks.Add(task.Id, seen = new SeenTask(task.Position, task.Text));
            if (task.Key is not { } key)
                continue;

            if (seen.Parts.Add((key, null)))
                Add(seen, key, null, null);
            foreach (var (id, text) in WideRows.PartsOf(task))
            {
                if (seen.Parts.Add((key, id)))
                    Add(seen, key, id, text);
            }
        }
    }

    public WidePlan Plan()
    {
        var columns = new List<WideColumn>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tasks = _tasks.OrderBy(task => task.Value.Place).ThenBy(task => task.Key).Where(task => task.Value.Columns.Count > 0);
        foreach (var (number, (id, task)) in tasks.Index())
        {
            // The columns of options stand in the place of the task's own.
            foreach (var (key, part, text) in task.Columns.Where(column => !WideRows.IsParted(column.Key) || column.Part is not null))
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{number + 1}. {task.Text}");
                var header = Cut(text is null ? name : $"{Cut(name)} [{text}]");
                columns.Add(new WideColumn(id, key, part, names.Add(header) ? header : $"{header} ({part ?? key} {id})"));
            }
        }

        return new WidePlan(columns);
    }

    private static string Cut(string text) => Printable.Excerpt(text, MaxHeader);

    private void Add(SeenTask task, string key, string? part, string? text)
    {
        task.Columns.Add((key, part, text));
        _columns++;
    }

    private sealed record SeenTask(long Place, string Text)
    {
        public HashSet<(string Key, string? Part)> Parts { get; } = [];

        public List<(string Key, string? Part, string? Text)> Columns { get; } = [];
    }
}

[JsonSerializable(typeof(WidePlan))]
internal sealed partial class WideJson : JsonSerializerContext;
