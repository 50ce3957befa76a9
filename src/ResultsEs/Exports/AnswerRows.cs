namespace ResultsEs.Exports;

/// <summary>A column that holds a member of the payload of some task types, by their keys in v3.</summary>
internal sealed record AnswerColumn(string Name, ColumnKind Kind, string Member, params string[] Keys);

/// <summary>The rows of a session's tasks: one an answer or a skip.</summary>
internal static class AnswerRows
{
    /// <summary>The columns that are members of payloads. Members that are lists or objects are JSON.</summary>
    public static readonly IReadOnlyList<AnswerColumn> Typed =
    [
        new("answer_text", ColumnKind.Text, "text", "written"),
        new("language", ColumnKind.Text, "language", "written"),
        new("nps_score", ColumnKind.Whole, "score", "nps"),
        new("nps_category", ColumnKind.Text, "category", "nps"),
        new("rating_value", ColumnKind.Number, "value", "ratingScale"),
        new("rating_min", ColumnKind.Number, "min", "ratingScale"),
        new("rating_max", ColumnKind.Number, "max", "ratingScale"),
        new("rating_min_label", ColumnKind.Text, "minLabel", "ratingScale"),
        new("rating_max_label", ColumnKind.Text, "maxLabel", "ratingScale"),
        new("multi_select", ColumnKind.Flag, "multiSelect", "multipleChoice"),
        new("other_text", ColumnKind.Text, "otherText", "multipleChoice"),
        new("outcome", ColumnKind.Text, "outcome", "url", "figma"),
        new("url", ColumnKind.Text, "url", "url"),
        new("final_url", ColumnKind.Text, "finalUrl", "url"),
        new("visits", ColumnKind.Text, "visits", "url"),
        new("ranking", ColumnKind.Text, "ranking", "rankOrder"),
        new("matrix_rows", ColumnKind.Text, "rows", "matrix"),
        new("image_url", ColumnKind.Text, "imageUrl", "image"),
        new("annotations", ColumnKind.Text, "annotations", "image"),
        new("prototype_url", ColumnKind.Text, "prototypeUrl", "figma"),
        new("prototype_title", ColumnKind.Text, "figmaPrototypeTitle", "figma"),
        new("start_node_id", ColumnKind.Text, "startNodeId", "figma"),
        new("end_node_id", ColumnKind.Text, "endNodeId", "figma"),
        new("duration_ms", ColumnKind.Whole, "durationMs", "figma"),
        new("interaction_count", ColumnKind.Whole, "interactionCount", "figma"),
        new("misclick_count", ColumnKind.Whole, "misclickCount", "figma"),
        new("path", ColumnKind.Text, "path", "figma"),
    ];

    public static void Add(TableBatch batch, in StoredSession session)
    {
        foreach (var task in session.Tasks)
        {
            batch.Key(session).Uuid(task.Id).Whole(task.Position).Text(task.Type).Text(task.Text)
                .Flag(task.IsSkipped).Text(task.SkipReason).Whole(task.StartTimeMs).Whole(task.EndTimeMs);
            foreach (var column in Typed)
                batch.Json(Array.IndexOf(column.Keys, task.Key) >= 0 ? task.Member(column.Member) : default, column.Kind);
            if (task.Key == "multipleChoice")
                batch.Text(Selected(task, "id")).Text(Selected(task, "text"));
            else
                batch.Text(null).Text(null);
            batch.Json(task.Payload, ColumnKind.Text).EndRow();
        }
    }

    /// <summary>A member of each option that was chosen, as a JSON array.</summary>
    private static string Selected(in StoredTask task, string member)
    {
        var options = task.Member("options").EnumerateArray().Where(option => option.GetProperty("selected").GetBoolean());
        return new JsonArray([.. options.Select(option => (JsonNode?)option.GetProperty(member).GetString())]).ToJsonString(Json.Options);
    }
}
