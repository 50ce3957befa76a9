namespace ResultsEs.Contracts;

/// <summary>The kind of test that the session ran.</summary>
[JsonConverter(typeof(WireEnumConverter<ProductType>))]
public enum ProductType
{
    /// <summary><c>SURVEY</c></summary>
    Survey,

    /// <summary><c>LIVE_CONVERSATION</c></summary>
    LiveConversation,

    /// <summary><c>NON_THINK_OUT_LOUD</c>: an interaction test.</summary>
    NonThinkOutLoud,

    /// <summary><c>THINK_OUT_LOUD</c></summary>
    ThinkOutLoud,
}

/// <summary>
/// A participant began a test. The event places the session in a workspace; until it is stored, the session reads as 404.
/// </summary>
public sealed record SessionStarted : SessionEvent
{
    /// <summary>The workspace the session belongs to; decides who may read it and write to it.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>The test that was run.</summary>
    public required Guid TestId { get; init; }

    /// <summary>The version of the test's plan (its ordered tasks and task groups).</summary>
    public Guid? TestPlanId { get; init; }

    /// <summary>The audience the participant was recruited from.</summary>
    public Guid? AudienceId { get; init; }

    /// <summary>The kind of the test.</summary>
    public required ProductType ProductType { get; init; }

    /// <summary>When the session began; all <c>…Ms</c> offsets count from here.</summary>
    public required DateTimeOffset StartedAt { get; init; }
}

/// <summary>
/// The participant's profile as of the session. Later changes of the profile do not change it.
/// </summary>
public sealed record ParticipantProfiled : SessionEvent
{
    /// <summary>The participant.</summary>
    public required Guid ParticipantId { get; init; }

    /// <summary>The demographic questions and what the participant answered.</summary>
    public required IReadOnlyList<Demographic> Demographics { get; init; }
}

/// <summary>A demographic question with its answer.</summary>
public sealed record Demographic : EventPart
{
    /// <summary>The question's id.</summary>
    public string? Id { get; init; }

    /// <summary>The question's code, such as <c>AGE</c>.</summary>
    public string? Code { get; init; }

    /// <summary>The question as a person reads it.</summary>
    public string? Label { get; init; }

    /// <summary>The answer; of a multiple question its answers joined with commas.</summary>
    public string? Value { get; init; }

    /// <summary>How many answers the question takes.</summary>
    public DemographicType? Type { get; init; }
}

/// <summary>The kind of a demographic question: how many answers it takes.</summary>
[JsonConverter(typeof(WireEnumConverter<DemographicType>))]
public enum DemographicType
{
    /// <summary><c>UNRECOGNIZED</c></summary>
    Unrecognized,

    /// <summary><c>DEMOGRAPHIC_QUESTION_TYPE_SINGLE</c></summary>
    DemographicQuestionTypeSingle,

    /// <summary><c>DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE</c></summary>
    DemographicQuestionTypeMultiple,
}

/// <summary>The participant reached the end of the test.</summary>
public sealed record SessionCompleted : SessionEvent
{
    /// <summary>When the session ended.</summary>
    public required DateTimeOffset FinishedAt { get; init; }
}

/// <summary>The participant left before the end of the test. Version 1, without a cause; recorders may always send it.</summary>
public sealed record SessionAbandoned : SessionEvent
{
    /// <summary>The reason in the recorder's words.</summary>
    public string? Reason { get; init; }

    /// <summary>When the session ended.</summary>
    public required DateTimeOffset AbandonedAt { get; init; }
}

/// <summary>The session ended before the end of the test.</summary>
public sealed record SessionAbandonedV2 : SessionEvent
{
    /// <summary>The cause.</summary>
    public required AbandonCause Cause { get; init; }

    /// <summary>Details in the recorder's words.</summary>
    public string? Note { get; init; }

    /// <summary>When the session ended.</summary>
    public required DateTimeOffset AbandonedAt { get; init; }
}

/// <summary>The cause that ended a session before the end of its test.</summary>
[JsonConverter(typeof(WireEnumConverter<AbandonCause>))]
public enum AbandonCause
{
    /// <summary><c>PARTICIPANT</c>: the participant left.</summary>
    Participant,

    /// <summary><c>INACTIVITY</c>: the participant did nothing for too long.</summary>
    Inactivity,

    /// <summary><c>TECHNICAL</c>: the recorder or the network failed.</summary>
    Technical,

    /// <summary><c>UNKNOWN</c>: the recorder does not know, or did not say.</summary>
    Unknown,
}

/// <summary>
/// The participant came back after the session was abandoned. It is in progress again, until it is completed or abandoned later.
/// A completed session stays completed.
/// </summary>
public sealed record SessionResumed : SessionEvent
{
    /// <summary>When the participant came back.</summary>
    public required DateTimeOffset ResumedAt { get; init; }
}

/// <summary>The whole session's recording was transcribed.</summary>
public sealed record SessionTranscribed : SessionEvent
{
    /// <summary>The language spoken, as a BCP 47 tag such as <c>en-GB</c>.</summary>
    public string? Language { get; init; }

    /// <summary>What was said when, and by whom.</summary>
    public required IReadOnlyList<SpokenCue> Cues { get; init; }
}

/// <summary>A timed piece of a session's transcript.</summary>
public sealed record SpokenCue : EventPart
{
    /// <summary>Begin, milliseconds since the session's start.</summary>
    public required long StartMs { get; init; }

    /// <summary>End, milliseconds since the session's start; not before <see cref="StartMs"/>.</summary>
    public required long EndMs { get; init; }

    /// <summary>Who spoke.</summary>
    public string? Speaker { get; init; }

    /// <summary>What was said.</summary>
    public required string Text { get; init; }
}
