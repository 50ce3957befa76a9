using ResultsEs.Sessions;

[assembly: JsonContext<ResultsEs.Changes.ChangesJson>]

namespace ResultsEs.Changes;

/// <summary>A page of the feed of changes.</summary>
/// <param name="Changes">The changes, in the order of the feed; there may be none.</param>
/// <param name="NextCursor">Where to go on: the `after` of the next request, also when there is no change.</param>
/// <param name="IsAtEnd">True when there was nothing more at this moment.</param>
internal sealed record ChangesPage(IReadOnlyList<ChangeItem> Changes, string NextCursor, bool IsAtEnd);

/// <summary>A change of a session in a workspace and test: the last one, however many there were.</summary>
internal sealed record ChangeItem
{
    /// <summary>`upserted`: it became or changed. `removed`: it is not in this workspace and test any more.</summary>
    public required string Kind { get; init; }

    /// <summary>Why it was removed: `moved` to another test or workspace, `erased` (it comes again, masked), or `expired`.</summary>
    public string? Reason { get; init; }

    public required Guid SessionId { get; init; }

    public required Guid WorkspaceId { get; init; }

    public required Guid TestId { get; init; }

    /// <summary>The status of a session that is there.</summary>
    public SessionStatus? Status { get; init; }

    /// <summary>When it changed, by the database's clock.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset UpdatedTime { get; init; }

    /// <summary>The number of the session's events.</summary>
    public required long Version { get; init; }

    /// <summary>The session as `GET /api/v3/sessionResults/{sessionId}` has it, with `include=session`.</summary>
    public SessionBody? Session { get; init; }

    /// <summary>Why `session` is not there, although it was asked for.</summary>
    public string? Problem { get; init; }

    /// <summary>The words of <see cref="Kind"/>.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [.. Enum.GetValues<ChangeKind>().Select(Word)];

    /// <summary>The words of <see cref="Reason"/>.</summary>
    public static IReadOnlyList<string> Reasons { get; } = [.. Enum.GetValues<RemovalReason>().Select(Word)];

    /// <summary>The item of a change, without its session.</summary>
    public static ChangeItem Of(SessionChange change) => new()
    {
        Kind = Word(change.Kind),
        Reason = change.Reason is { } reason ? Word(reason) : null,
        SessionId = change.SessionId,
        WorkspaceId = change.WorkspaceId,
        TestId = change.TestId,
        Status = change.Status,
        UpdatedTime = change.UpdatedTime,
        Version = change.Version,
        Problem = change.Problem,
    };

    /// <summary>Writes the JSON of a change. The session's stored body is copied as it is.</summary>
    public static void Write(IBufferWriter<byte> json, SessionChange change)
    {
        var item = JsonSerializer.SerializeToUtf8Bytes(Of(change), Json.Of<ChangeItem>());
        if (change.Session.IsEmpty)
        {
            json.Write(item);
            return;
        }

        json.Write(item.AsSpan(..^1));
        json.Write(",\"session\":"u8);
        json.Write(change.Session.Span);
        json.Write("}"u8);
    }

    private static string Word(ChangeKind kind) => kind == ChangeKind.Upserted ? "upserted" : "removed";

    private static string Word(RemovalReason reason) => reason switch
    {
        RemovalReason.Moved => "moved",
        RemovalReason.Erased => "erased",
        _ => "expired",
    };
}

[JsonSerializable(typeof(ChangesPage))]
internal sealed partial class ChangesJson : JsonSerializerContext;
