namespace ResultsEs.Contracts;

/// <summary>The session's recording is in the object store. A later one (a better encoding, a repaired upload) replaces it.</summary>
public sealed record VideoRecorded : SessionEvent
{
    /// <summary>The recording.</summary>
    public required Guid VideoId { get; init; }

    /// <summary>
    /// The file's key below the session's own folder of the bucket, <c>{account}/{workspaceId}/</c>.
    /// </summary>
    public required string ObjectKey { get; init; }

    /// <summary>The places of screen and camera in the picture; absent when the picture shows only one of them.</summary>
    public VideoRegions? Regions { get; init; }
}

/// <summary>The parts of a recording's picture.</summary>
public sealed record VideoRegions : EventPart
{
    /// <summary>The participant's screen.</summary>
    public VideoRegion? Screen { get; init; }

    /// <summary>The participant's camera.</summary>
    public VideoRegion? Camera { get; init; }
}

/// <summary>A rectangle of a recording's picture.</summary>
public sealed record VideoRegion : EventPart
{
    /// <summary>The top left corner, in pixels from that of the picture.</summary>
    public required VideoPoint TopLeftPoint { get; init; }

    /// <summary>Pixels, 1 or more.</summary>
    public required int WidthPx { get; init; }

    /// <summary>Pixels, 1 or more.</summary>
    public required int HeightPx { get; init; }
}

/// <summary>A point of a recording's picture, in pixels from its top left corner, 0 or more.</summary>
public sealed record VideoPoint : EventPart
{
    /// <summary>To the right.</summary>
    public required int X { get; init; }

    /// <summary>Downwards.</summary>
    public required int Y { get; init; }
}

/// <summary>
/// A clip of the recording was created, cut again or renamed; the latest such event holds. The clip is being generated until a
/// <see cref="ClipGenerated"/> or <see cref="ClipFailed"/> with that time or a later one.
/// </summary>
public sealed record ClipCreated : ClipEvent
{
    /// <summary>The clip's name.</summary>
    public required string Name { get; init; }

    /// <summary>A description in its author's words.</summary>
    public string? Description { get; init; }

    /// <summary>Begin, milliseconds since the session's start.</summary>
    public required long TimeStartMs { get; init; }

    /// <summary>End, milliseconds since the session's start; after <see cref="TimeStartMs"/>.</summary>
    public required long TimeEndMs { get; init; }

    /// <summary>The recording it is cut from.</summary>
    public required Guid VideoId { get; init; }

    /// <summary>Whether it has sound.</summary>
    public required bool HasAudio { get; init; }

    /// <summary>Whether it has the participant's camera.</summary>
    public required bool HasCamera { get; init; }

    /// <summary>The layout of screen and camera; absent when there is only one of them.</summary>
    public ClipLayout? Layout { get; init; }
}

/// <summary>The layout of a clip with screen and camera: one large, the other as a small picture in it.</summary>
public sealed record ClipLayout : EventPart
{
    /// <summary>The large picture.</summary>
    public required ClipStream MainStream { get; init; }

    /// <summary>The corner of the small picture.</summary>
    public required PipPosition PipPosition { get; init; }

    /// <summary>Whether the small picture is shown.</summary>
    public required PipState PipState { get; init; }
}

/// <summary>One of the two pictures of a recording.</summary>
[JsonConverter(typeof(WireEnumConverter<ClipStream>))]
public enum ClipStream
{
    /// <summary><c>SCREEN</c></summary>
    Screen,

    /// <summary><c>CAMERA</c></summary>
    Camera,
}

/// <summary>The corner of the small picture in the large one.</summary>
[JsonConverter(typeof(WireEnumConverter<PipPosition>))]
public enum PipPosition
{
    /// <summary><c>TOP_LEFT</c></summary>
    TopLeft,

    /// <summary><c>TOP_RIGHT</c></summary>
    TopRight,

    /// <summary><c>BOTTOM_LEFT</c></summary>
    BottomLeft,

    /// <summary><c>BOTTOM_RIGHT</c></summary>
    BottomRight,
}

/// <summary>The visibility of the small picture.</summary>
[JsonConverter(typeof(WireEnumConverter<PipState>))]
public enum PipState
{
    /// <summary><c>OPENED</c></summary>
    Opened,

    /// <summary><c>CLOSED</c></summary>
    Closed,
}

/// <summary>A clip's file is in the object store.</summary>
public sealed record ClipGenerated : ClipEvent
{
    /// <summary>The file's key below the session's own folder of the bucket, <c>{account}/{workspaceId}/</c>.</summary>
    public required string ObjectKey { get; init; }
}

/// <summary>A clip's file could not be made.</summary>
public sealed record ClipFailed : ClipEvent
{
    /// <summary>Why, in the renderer's words.</summary>
    public string? Reason { get; init; }
}

/// <summary>A clip was deleted. A later <see cref="ClipCreated"/> brings it back.</summary>
public sealed record ClipDeleted : ClipEvent;

/// <summary>
/// A highlight reel of a test's clips was published or changed; the latest such event holds. The reel is being generated until a
/// <see cref="HighlightReelGenerated"/> or <see cref="HighlightReelFailed"/> with that time or a later one. The event places the reel in
/// a workspace; until it is stored, the reel reads as 404.
/// </summary>
public sealed record HighlightReelPublished : HighlightReelEvent
{
    /// <summary>The workspace the reel belongs to; decides who may read it and write to it.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>The test whose sessions it shows.</summary>
    public required Guid TestId { get; init; }

    /// <summary>The reel's name.</summary>
    public required string Name { get; init; }

    /// <summary>The reel's duration in milliseconds.</summary>
    public required long DurationMs { get; init; }

    /// <summary>The reel's clips in the order they play; a clip may play more than once.</summary>
    public required IReadOnlyList<Guid> ClipIds { get; init; }
}

/// <summary>A highlight reel's file is in the object store.</summary>
public sealed record HighlightReelGenerated : HighlightReelEvent
{
    /// <summary>The file's key below the reel's own folder of the bucket, <c>{account}/{workspaceId}/</c>.</summary>
    public required string ObjectKey { get; init; }
}

/// <summary>A highlight reel's file could not be made.</summary>
public sealed record HighlightReelFailed : HighlightReelEvent
{
    /// <summary>Why, in the renderer's words.</summary>
    public string? Reason { get; init; }
}

/// <summary>A highlight reel was deleted. A later <see cref="HighlightReelPublished"/> brings it back.</summary>
public sealed record HighlightReelDeleted : HighlightReelEvent;
