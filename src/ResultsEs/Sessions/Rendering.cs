namespace ResultsEs.Sessions;

/// <summary>The state of the file of a clip or highlight reel.</summary>
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

/// <summary>The outcome of rendering the file of a clip or highlight reel.</summary>
/// <param name="Stamp">The event that reported it.</param>
/// <param name="ObjectKey">The file's key in the object store; null when rendering failed.</param>
internal sealed record Rendering(EventOrder Stamp, string? ObjectKey)
{
    /// <summary>The file's state. A rendering from before <paramref name="made"/>, the latest cut, shows an older cut.</summary>
    public static (RenderingStatus Status, string? ObjectKey) Of(EventOrder made, Rendering? rendering) => rendering switch
    {
        null => (RenderingStatus.Generating, null),
        _ when rendering.Stamp.At < made.At => (RenderingStatus.Generating, null),
        { ObjectKey: null } => (RenderingStatus.Error, null),
        _ => (RenderingStatus.Generated, rendering.ObjectKey),
    };

    public static Rendering Latest(Rendering? held, Rendering other) => other.Stamp.IsAfter(held?.Stamp) ? other : held!;
}
