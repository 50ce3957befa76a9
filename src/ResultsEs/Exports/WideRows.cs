namespace ResultsEs.Exports;

/// <summary>The row of a session in the wide format.</summary>
internal static class WideRows
{
    /// <summary>The part of a choice that holds what the participant wrote under "other". No option's id is empty.</summary>
    private const string Other = "";

    /// <summary>True for task types that have a column for each option or row instead of one.</summary>
    public static bool IsParted(string key) => key is "multipleChoice" or "rankOrder" or "matrix";

    /// <summary>The options or rows of an answer, with their texts.</summary>
    public static IEnumerable<(string Id, string? Text)> PartsOf(StoredTask task)
    {
        var (list, text) = task.Key switch
        {
            "multipleChoice" => ("options", "text"),
            "rankOrder" => ("ranking", "text"),
            "matrix" => ("rows", "label"),
            _ => ("", ""),
        };
        if (task.Member(list) is not { ValueKind: JsonValueKind.Array } parts)
            yield break;

        foreach (var part in parts.EnumerateArray())
            yield return (part.GetProperty("id").GetString()!, part.GetProperty(text).GetString());
        if (task.Member("otherText").ValueKind == JsonValueKind.String)
            yield return (Other, "other");
    }

    public static void Add(TableBatch batch, WidePlan plan, in StoredSession session)
    {
        var body = session.Body;
        batch.Uuid(session.SessionId).Uuid(session.WorkspaceId)
            .Json(body.Find("status"), ColumnKind.Text)
            .Json(body.Find("startTime"), ColumnKind.Time)
            .Json(body.Find("finishTime"), ColumnKind.Time)
            .Json(body.Find("audienceId"), ColumnKind.Uuid)
            .Json(body.Find("sessionParticipant").Find("participantId"), ColumnKind.Uuid);

        var tasks = session.Tasks.Where(task => task.Key is not null).ToDictionary(task => task.Id);
        var shown = new HashSet<(Guid, string?)>();
        foreach (var column in plan.Tasks)
        {
            var kind = column.Column.Kind;
            if (!tasks.TryGetValue(column.TaskId, out var task) || task.Key != column.Key)
            {
                batch.Null(kind);
                continue;
            }

            Add(batch, task, column, kind);
            shown.Add((task.Id, column.Part));
        }

        var others = tasks.Values.Where(task => !IsShown(task, shown)).ToList();
        batch.Text(others.Count == 0 ? null : OtherAnswers(others)).EndRow();
    }

    private static bool IsShown(StoredTask task, HashSet<(Guid, string?)> shown) => IsParted(task.Key!)
        ? PartsOf(task).All(part => shown.Contains((task.Id, part.Id)))
        : shown.Contains((task.Id, null));

    private static void Add(TableBatch batch, StoredTask task, WideColumn column, ColumnKind kind)
    {
        switch (column.Key)
        {
            case "written":
                batch.Json(task.Member("text"), kind);
                break;
            case "nps":
                batch.Json(task.Member("score"), kind);
                break;
            case "ratingScale":
                batch.Json(task.Member("value"), kind);
                break;
            case "url" or "figma":
                batch.Json(task.Member("outcome"), kind);
                break;
            case "image":
                batch.Whole(task.Member("annotations").GetArrayLength());
                break;
            case "blank":
                batch.Text("done");
                break;
            case "multipleChoice" when column.Part == Other:
                batch.Json(task.Member("otherText"), kind);
                break;
            case "multipleChoice":
                batch.Json(PartOf(task, "options", column.Part!).Find("selected"), kind);
                break;
            case "rankOrder":
                batch.Json(PartOf(task, "ranking", column.Part!).Find("rank"), kind);
                break;
            case "matrix":
                batch.Text(Labels(PartOf(task, "rows", column.Part!)));
                break;
            default:
                batch.Json(task.Payload, kind);
                break;
        }
    }

    private static JsonElement PartOf(StoredTask task, string list, string id) =>
        task.Member(list).EnumerateArray().FirstOrDefault(part => part.GetProperty("id").ValueEquals(id));

    /// <summary>The labels of a row's selections.</summary>
    private static string? Labels(JsonElement row) => row.Find("selections") is { ValueKind: JsonValueKind.Array } selections
        ? string.Join("; ", selections.EnumerateArray().Select(one => one.GetProperty("label").GetString()))
        : null;

    private static string OtherAnswers(IEnumerable<StoredTask> tasks) => new JsonArray(
    [
        .. tasks.Select(task => new JsonObject
        {
            ["taskId"] = task.Id,
            ["text"] = task.Text,
            ["answer"] = new JsonObject { [task.Key!] = JsonNode.Parse(task.Payload.GetRawText()) },
        }),
    ]).ToJsonString(Json.Options);
}
