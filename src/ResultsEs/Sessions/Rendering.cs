using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions;

/// <summary>Where the file of a clip or highlight reel stands.</summary>
[JsonConverter(typeof(WireEnumConverter<RenderingStatus>))]
public enum RenderingStatus
{
    /// <summary><c>GENERATING</c></summary>
    Generating,

    /// <summary><c>GENERATED</c></summary>
    Generated,

    /// <summary><c>ERROR</c></summary>
    Error,
}

/// <summary>What came of making the file of a clip or highlight reel.</summary>
/// <param name="Stamp">The event that told.</param>
/// <param name="ObjectKey">The file; null when it could not be made.</param>
internal sealed record Rendering(EventOrder Stamp, string? ObjectKey)
{
    /// <summary>Where the file stands of what was last made or changed by <paramref name="made"/>: an earlier rendering is of something else.</summary>
    public static (RenderingStatus Status, string? ObjectKey) Of(EventOrder made, Rendering? rendering) => rendering switch
    {
        null => (RenderingStatus.Generating, null),
        _ when rendering.Stamp.At < made.At => (RenderingStatus.Generating, null),
        { ObjectKey: null } => (RenderingStatus.Error, null),
        _ => (RenderingStatus.Generated, rendering.ObjectKey),
    };

    /// <summary>The later of two.</summary>
    public static Rendering Latest(Rendering? held, Rendering other) => other.Stamp.IsAfter(held?.Stamp) ? other : held!;
}
