using System.Text.Json;
using System.Text.Json.Serialization;

namespace ResultsEs.Contracts;

/// <summary>An object of an event, at any level.</summary>
public abstract record EventPart
{
    /// <summary>
    /// Members this version does not know. They are stored as they came, so that a later version that knows them
    /// finds them when it rebuilds; results do not show them.
    /// </summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>
/// Something that happened, as its producer sent it. The record is the wire form of a CloudEvent's <c>data</c> and also
/// what is stored: nothing is translated in between.
/// </summary>
public abstract record StreamEvent : EventPart;

/// <summary>Something that happened in one participant's session; the CloudEvent's <c>subject</c> is the session.</summary>
public abstract record SessionEvent : StreamEvent;

/// <summary>Something that happened to a highlight reel, which belongs to a test; the CloudEvent's <c>subject</c> is the reel.</summary>
public abstract record HighlightReelEvent : StreamEvent;

/// <summary>An event about one task of the session's test plan.</summary>
public abstract record TaskEvent : SessionEvent
{
    /// <summary>The task in the test plan; the key that ties a task's answer, skip, transcript and interactions together.</summary>
    public required Guid TaskId { get; init; }
}

/// <summary>An event about one clip of the session's recording.</summary>
public abstract record ClipEvent : SessionEvent
{
    /// <summary>The clip; the key that ties its cut, its renderings and its deletion together.</summary>
    public required Guid ClipId { get; init; }
}
