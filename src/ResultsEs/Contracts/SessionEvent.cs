using System.Text.Json;
using System.Text.Json.Serialization;

namespace ResultsEs.Contracts;

/// <summary>
/// Something that happened in one participant's session, as its recorder sent it. The record is the wire form of a
/// CloudEvent's <c>data</c> and also what is stored: nothing is translated in between.
/// </summary>
public abstract record SessionEvent
{
    /// <summary>
    /// Members this version does not know. They are stored as they came, so that a later version that knows them
    /// finds them when it rebuilds.
    /// </summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>An event about one task of the session's test plan.</summary>
public abstract record TaskEvent : SessionEvent
{
    /// <summary>The task in the test plan; the key that ties a task's answer, skip, transcript and interactions together.</summary>
    public required Guid TaskId { get; init; }
}
