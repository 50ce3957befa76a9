namespace ResultsEs.Exports;

/// <summary>What the values of a column are. Any of them may be null.</summary>
internal enum ColumnKind
{
    /// <summary>Text, or the text of JSON.</summary>
    Text,

    Uuid,

    /// <summary>A whole number of 64 bits.</summary>
    Whole,

    /// <summary>A decimal number: exact in CSV and NDJSON, the nearest double in Parquet.</summary>
    Number,

    Flag,

    /// <summary>A moment in UTC, in milliseconds.</summary>
    Time,
}

/// <summary>A column of a table.</summary>
internal sealed record Column(string Name, ColumnKind Kind);

/// <summary>A table that exports make.</summary>
internal sealed record TableSchema(string Name, IReadOnlyList<Column> Columns);

/// <summary>
/// The tables. Each begins with the session's key: its id and its workspace, because a session may be in several. A column is never
/// taken away nor given another meaning; new ones come at the end.
/// </summary>
internal static class Tables
{
    private static readonly Column[] Key =
    [
        new("session_id", ColumnKind.Uuid), new("workspace_id", ColumnKind.Uuid), new("test_id", ColumnKind.Uuid),
    ];

    public static readonly TableSchema Sessions = new(
        "sessions",
        [
            .. Key,
            new("product_type", ColumnKind.Text),
            new("status", ColumnKind.Text),
            new("start_time", ColumnKind.Time),
            new("finish_time", ColumnKind.Time),
            new("abandon_cause", ColumnKind.Text),
            new("audience_id", ColumnKind.Uuid),
            new("test_plan_id", ColumnKind.Uuid),
            new("participant_id", ColumnKind.Uuid),
            new("answered_tasks", ColumnKind.Whole),
            new("skipped_tasks", ColumnKind.Whole),
            new("task_groups", ColumnKind.Text),
            new("updated_time", ColumnKind.Time),
            new("version", ColumnKind.Whole),
            new("problem", ColumnKind.Text),
        ]);

    public static readonly TableSchema Answers = new(
        "answers",
        [
            .. Key,
            new("task_id", ColumnKind.Uuid),
            new("position", ColumnKind.Whole),
            new("task_type", ColumnKind.Text),
            new("task_text", ColumnKind.Text),
            new("skipped", ColumnKind.Flag),
            new("skip_reason", ColumnKind.Text),
            new("start_time_ms", ColumnKind.Whole),
            new("end_time_ms", ColumnKind.Whole),
            .. AnswerRows.Typed.Select(column => new Column(column.Name, column.Kind)),
            new("selected_ids", ColumnKind.Text),
            new("selected_texts", ColumnKind.Text),
            new("answer", ColumnKind.Text),
        ]);

    public static readonly TableSchema Demographics = new(
        "demographics",
        [
            .. Key,
            new("participant_id", ColumnKind.Uuid),
            new("position", ColumnKind.Whole),
            new("question_id", ColumnKind.Text),
            new("code", ColumnKind.Text),
            new("label", ColumnKind.Text),
            new("value", ColumnKind.Text),
            new("type", ColumnKind.Text),
        ]);

    public static readonly TableSchema Interactions = new(
        "interactions",
        [
            .. Key,
            new("task_id", ColumnKind.Uuid),
            new("event_id", ColumnKind.Uuid),
            new("at_ms", ColumnKind.Whole),
            new("kind", ColumnKind.Text),
            new("presented_node_id", ColumnKind.Text),
            new("handled", ColumnKind.Flag),
            new("phase", ColumnKind.Text),
            new("target_node_id", ColumnKind.Text),
            new("x", ColumnKind.Number),
            new("y", ColumnKind.Number),
            new("interaction", ColumnKind.Text),
        ]);

    public static readonly TableSchema Cues = new(
        "cues",
        [
            .. Key,
            new("task_id", ColumnKind.Uuid),
            new("position", ColumnKind.Whole),
            new("start_ms", ColumnKind.Whole),
            new("end_ms", ColumnKind.Whole),
            new("speaker", ColumnKind.Text),
            new("text", ColumnKind.Text),
            new("language", ColumnKind.Text),
        ]);

    public static readonly TableSchema Changes = new(
        "changes",
        [
            .. Key,
            new("kind", ColumnKind.Text),
            new("reason", ColumnKind.Text),
            new("version", ColumnKind.Whole),
            new("updated_time", ColumnKind.Time),
        ]);

    public static IReadOnlyList<TableSchema> All { get; } = [Sessions, Answers, Demographics, Interactions, Cues, Changes];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(table => table.Name)];

    public static TableSchema Of(string name) => All.Single(table => table.Name == name);
}
