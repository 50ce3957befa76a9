namespace ResultsEs.Contracts;

/// <summary>A JSON object of an event, at any level.</summary>
public abstract record EventPart
{
    /// <summary>
    /// Members that this version does not know, stored as received. A later version that knows them uses them when it rebuilds; results do
    /// not show them.
    /// </summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>
/// An event as its producer sent it. The record is both the <c>data</c> of a CloudEvent and what is stored, without a translation.
/// </summary>
public abstract record StreamEvent : EventPart;

/// <summary>An event of one participant's session, which is the CloudEvent's <c>subject</c>.</summary>
public abstract record SessionEvent : StreamEvent;

/// <summary>An event of a highlight reel, which belongs to a test. The CloudEvent's <c>subject</c> is the reel.</summary>
public abstract record HighlightReelEvent : StreamEvent;

/// <summary>An event of a test as a whole. The CloudEvent's <c>subject</c> is the test.</summary>
public abstract record TestEvent : StreamEvent;

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
