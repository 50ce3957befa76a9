namespace ResultsEs.Contracts;

/// <summary>A page of the feed of changes, as <c>GET /api/v3/changes</c> answers it to those who keep copies of sessions.</summary>
/// <param name="Changes">The changes, in the order in which a copy takes them.</param>
/// <param name="NextCursor">Where to go on. Keep it with the copy, after the changes.</param>
/// <param name="IsAtEnd">True when there was nothing more at that moment.</param>
public sealed record FeedPage(IReadOnlyList<FeedChange> Changes, string NextCursor, bool IsAtEnd)
{
    /// <summary>Reads the JSON of a page. Members that this version does not know are passed over.</summary>
    /// <exception cref="JsonException">It is not a page.</exception>
    public static FeedPage Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, FeedJsonContext.Default.FeedPage) ?? throw new JsonException("not a page of changes");
}

/// <summary>A change of a session in a workspace and test: what a copy keeps in its place, or drops.</summary>
public sealed record FeedChange
{
    /// <summary><c>upserted</c>: it became or changed. <c>removed</c>: it is not in this workspace and test any more.</summary>
    public required string Kind { get; init; }

    /// <summary>Why it was removed: <c>moved</c>, <c>erased</c> or <c>expired</c>; null when it was not.</summary>
    public string? Reason { get; init; }

    /// <summary>The session.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>Its workspace. A session may be in several, as one of each.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>Its test.</summary>
    public required Guid TestId { get; init; }

    /// <summary><c>IN_PROGRESS</c>, <c>COMPLETE</c> or <c>ABANDONED</c>; null when it was removed.</summary>
    public string? Status { get; init; }

    /// <summary>When it changed, by the service's clock.</summary>
    public required DateTimeOffset UpdatedTime { get; init; }

    /// <summary>The number of its events.</summary>
    public required long Version { get; init; }

    /// <summary>The session in v3, where <c>include=session</c> asked for it; null without.</summary>
    public JsonElement? Session { get; init; }

    /// <summary>Why <see cref="Session"/> is not there, although it was asked for.</summary>
    public string? Problem { get; init; }

    /// <summary>True when a copy drops the session.</summary>
    [JsonIgnore]
    public bool IsRemoved => Kind == "removed";
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FeedPage))]
internal sealed partial class FeedJsonContext : JsonSerializerContext;
