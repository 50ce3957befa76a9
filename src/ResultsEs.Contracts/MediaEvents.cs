namespace ResultsEs.Contracts;

/// <summary>The session's recording is in the object store. A later one (a better encoding, a repaired upload) replaces it.</summary>
public sealed record VideoRecorded : SessionEvent
{
    /// <summary>The recording.</summary>
    public required Guid VideoId { get; init; }

    /// <summary>
    /// Where its bytes are: the object's key below the session's own folder of the bucket, <c>{account}/{workspaceId}/</c>.
    /// </summary>
    public required string ObjectKey { get; init; }

    /// <summary>Where screen and camera are in the picture; absent when the picture is only one of them.</summary>
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
    /// <summary>Its top left corner, in pixels from the picture's.</summary>
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
/// Somebody cut a clip out of the recording, or cut it anew or renamed it: of several the latest holds, and the clip is
/// being generated until a <see cref="ClipGenerated"/> or <see cref="ClipFailed"/> of that time or later.
/// </summary>
public sealed record ClipCreated : ClipEvent
{
    /// <summary>The clip's name.</summary>
    public required string Name { get; init; }

    /// <summary>What it shows, in its maker's words.</summary>
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

    /// <summary>How screen and camera are laid out; absent when there is only one of them.</summary>
    public ClipLayout? Layout { get; init; }
}

/// <summary>How a clip shows screen and camera, the one large and the other as a picture in it.</summary>
public sealed record ClipLayout : EventPart
{
    /// <summary>The large one.</summary>
    public required ClipStream MainStream { get; init; }

    /// <summary>Where the small one is.</summary>
    public required PipPosition PipPosition { get; init; }

    /// <summary>Whether the small one is shown.</summary>
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

/// <summary>Somebody deleted a clip. A later <see cref="ClipCreated"/> brings it back.</summary>
public sealed record ClipDeleted : ClipEvent;

/// <summary>
/// Somebody put clips of a test's sessions together, or changed what they had put together: of several the latest holds,
/// and the reel is being generated until a <see cref="HighlightReelGenerated"/> or <see cref="HighlightReelFailed"/> of
/// that time or later. It places the reel in a workspace: until it is in, nobody can read the reel.
/// </summary>
public sealed record HighlightReelPublished : HighlightReelEvent
{
    /// <summary>The workspace the reel belongs to; decides who may read it and write to it.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>The test whose sessions it shows.</summary>
    public required Guid TestId { get; init; }

    /// <summary>The reel's name.</summary>
    public required string Name { get; init; }

    /// <summary>How long it plays, milliseconds.</summary>
    public required long DurationMs { get; init; }

    /// <summary>Its clips in the order they play; a clip may play more than once.</summary>
    public required IReadOnlyList<Guid> ClipIds { get; init; }
}

/// <summary>A reel's file is in the object store.</summary>
public sealed record HighlightReelGenerated : HighlightReelEvent
{
    /// <summary>The file's key below the reel's own folder of the bucket, <c>{account}/{workspaceId}/</c>.</summary>
    public required string ObjectKey { get; init; }
}

/// <summary>A reel's file could not be made.</summary>
public sealed record HighlightReelFailed : HighlightReelEvent
{
    /// <summary>Why, in the renderer's words.</summary>
    public string? Reason { get; init; }
}

/// <summary>Somebody deleted a reel. A later <see cref="HighlightReelPublished"/> brings it back.</summary>
public sealed record HighlightReelDeleted : HighlightReelEvent;
