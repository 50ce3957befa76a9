namespace ResultsEs.Exports;

/// <summary>A session as it is stored, for rows: its place, and its document's JSON, which is valid while it is read.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="WorkspaceId">The workspace in which this document is.</param>
/// <param name="TestId">The test.</param>
/// <param name="Updated">When something of it was last stored.</param>
/// <param name="Version">The version of its stream.</param>
/// <param name="Document">The stored document.</param>
internal readonly record struct StoredSession(
    Guid SessionId, Guid WorkspaceId, Guid TestId, DateTimeOffset Updated, long Version, JsonElement Document)
{
    /// <summary>What v3 shows.</summary>
    public JsonElement Body => Document.GetProperty("body");

    /// <summary>The event that holds the session's transcript; null when there is none.</summary>
    public Guid? Transcript => Document.GetProperty("fold").Find("transcribed") is { ValueKind: JsonValueKind.Object } stamp
        ? stamp.GetProperty("by").GetGuid()
        : null;

    /// <summary>True when the session has recorded interactions.</summary>
    public bool HasInteractions
    {
        get
        {
            foreach (var task in Folds)
            {
                if (task.Find("figma").ValueKind == JsonValueKind.Object)
                    return true;
            }

            return false;
        }
    }

    /// <summary>The tasks that were answered or skipped, in the order of v3, with what only the fold knows of them.</summary>
    public IReadOnlyList<StoredTask> Tasks
    {
        get
        {
            var folds = new Dictionary<Guid, JsonElement>();
            foreach (var fold in Folds)
                folds[fold.GetProperty("id").GetGuid()] = fold;
            var tasks = new List<StoredTask>();
            foreach (var task in Body.GetProperty("tasks").EnumerateArray())
                tasks.Add(new StoredTask(task, folds[task.GetProperty("uuid").GetGuid()]));
            return tasks;
        }
    }

    private JsonElement.ArrayEnumerator Folds => Document.GetProperty("fold").Find("tasks") is { ValueKind: JsonValueKind.Array } tasks
        ? tasks.EnumerateArray()
        : default;
}

/// <summary>A task of a stored session.</summary>
internal readonly struct StoredTask
{
    private readonly JsonElement _shown;
    private readonly JsonElement _fold;
    private readonly JsonElement _response;

    public StoredTask(JsonElement shown, JsonElement fold)
    {
        (_shown, _fold, _response) = (shown, fold, shown.Find("response"));
        Id = shown.GetProperty("uuid").GetGuid();
        if (_response.Find("answer") is not { ValueKind: JsonValueKind.Object } answer)
            return;

        // An object with one member, the type's.
        foreach (var member in answer.EnumerateObject())
            (Key, Payload) = (member.Name, member.Value);
    }

    public Guid Id { get; }

    /// <summary>The key of its answer in v3; null without an answer.</summary>
    public string? Key { get; }

    /// <summary>What stands under the key.</summary>
    public JsonElement Payload { get; }

    /// <summary>Its own type, which v3 may show as another; of one that this version does not know, as v2 and v3 show it.</summary>
    public string Type => Sessions.TaskTypes.TaskType.ListedAs(_fold.GetProperty("type").GetString()!);

    public long Position => _fold.Find("position") is { ValueKind: JsonValueKind.Number } position ? (long)position.GetDecimal() : 0;

    public string Text => _shown.GetProperty("text").GetString()!;

    public bool? IsSkipped =>
        _response.Find("skipped") is { ValueKind: not JsonValueKind.Undefined } skipped ? skipped.GetBoolean() : null;

    public string? SkipReason => _fold.Find("reason") is { ValueKind: JsonValueKind.String } reason ? reason.GetString() : null;

    public long? StartTimeMs => Offset("startTimeMs");

    public long? EndTimeMs => Offset("endTimeMs");

    /// <summary>A member of the answer; undefined where it has none.</summary>
    public JsonElement Member(string name) => Payload.Find(name);

    private long? Offset(string name) => _response.Find(name) is { ValueKind: JsonValueKind.Number } at ? (long)at.GetDecimal() : null;
}

internal static class StoredJson
{
    /// <summary>A member of an object; undefined where there is none, or no object.</summary>
    public static JsonElement Find(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : default;
}
