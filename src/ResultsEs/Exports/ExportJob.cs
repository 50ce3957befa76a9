[assembly: JsonContext<ResultsEs.Exports.ExportsJson>]

namespace ResultsEs.Exports;

/// <summary>How far an export is that is made in the background.</summary>
[JsonConverter(typeof(WireEnumConverter<ExportState>))]
public enum ExportState
{
    /// <summary><c>WAITING</c>: others are before it.</summary>
    Waiting,

    /// <summary><c>RUNNING</c></summary>
    Running,

    /// <summary><c>DONE</c>: its files can be downloaded.</summary>
    Done,

    /// <summary><c>FAILED</c>: the reason says why, and there are no files.</summary>
    Failed,

    /// <summary><c>ERASED</c>: something was erased or removed since, so its files are deleted.</summary>
    Erased,

    /// <summary><c>EXPIRED</c>: its files are deleted, because their time is over.</summary>
    Expired,
}

/// <summary>An export that is made in the background: what it is of, how far it is, and, once it is done, its files.</summary>
internal sealed record ExportJob
{
    /// <summary>The export.</summary>
    public required Guid ExportId { get; init; }

    /// <summary>How far it is.</summary>
    public required ExportState State { get; init; }

    /// <summary>Why it failed, or why its files are deleted; absent otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>The test; null for all tests of the workspaces.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? TestId { get; init; }

    /// <summary>The workspaces.</summary>
    public required IReadOnlyList<Guid> WorkspaceIds { get; init; }

    /// <summary>The tables.</summary>
    public required IReadOnlyList<string> Tables { get; init; }

    /// <summary>The format.</summary>
    public required string Format { get; init; }

    /// <summary>The cursor after which changes are in it; null for an export of everything.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Since { get; init; }

    /// <summary>When it was asked for.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>When it ended; absent before.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When its files are deleted; absent before it is done.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Up to where it has everything: what <c>since</c> of the next export takes. Absent before it begins.</summary>
    public string? Cursor { get; init; }

    /// <summary>Sessions that are in it so far.</summary>
    public long Sessions { get; init; }

    /// <summary>Sessions there are, roughly; with <c>since</c> it is not known how many of them changed.</summary>
    public long TotalSessions { get; init; }

    /// <summary>Sessions of it whose result cannot be given; table <c>sessions</c> names them.</summary>
    public long Problems { get; init; }

    /// <summary>Its files; empty before it is done.</summary>
    public required IReadOnlyList<ExportFile> Files { get; init; }
}

/// <summary>A file of an export.</summary>
/// <param name="FileId">The file.</param>
/// <param name="Name">Its name, such as <c>answers-00001.parquet</c>.</param>
/// <param name="Table">The table of its rows.</param>
/// <param name="Rows">Its rows, without a header.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The SHA-256 of its bytes, in hexadecimal digits.</param>
/// <param name="Url">Where it can be downloaded without a token, for 15 minutes.</param>
internal sealed record ExportFile(Guid FileId, string Name, string Table, long Rows, long Bytes, string Sha256, string? Url);

[JsonSerializable(typeof(ExportJob))]
internal sealed partial class ExportsJson : JsonSerializerContext;
