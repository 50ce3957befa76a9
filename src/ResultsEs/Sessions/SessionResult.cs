using JasperFx;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions.TaskTypes;

[assembly: JsonContext<ResultsEs.Sessions.SessionResultJson>]

namespace ResultsEs.Sessions;

/// <summary>The stored document of a session: the v3 body, ready to send, and the state that makes the fold order-free.</summary>
internal sealed record SessionResult : PlacedDocument, ILongVersioned
{
    /// <summary>The session's id, which is also its stream's.</summary>
    public required Guid Id { get; init; }

    /// <summary>The v3 response, sent as it is stored.</summary>
    public required SessionBody Body { get; init; }

    /// <summary>The state that no response shows.</summary>
    public required SessionFold Fold { get; init; }

    /// <summary>The version of the stream that the stored document holds. A column that Marten reads and writes.</summary>
    [JsonIgnore]
    public long Version { get; set; }

    /// <summary>How many of the stream's events the stored document lacks. A column: 0 when written, raised by deferred writes.</summary>
    [JsonIgnore]
    public int Lag { get; set; }

    [JsonIgnore]
    public override Guid? Workspace => Body.WorkspaceId;

    /// <summary>The time by which lists are ordered: the session's end, or its start while it runs. Null until either is known.</summary>
    public DateTimeOffset? ListedAt => Body.FinishTime ?? Body.StartTime;

    /// <summary>The task types that lists filter by, sorted: <c>|NPS|SKIPPED|WRITTEN|</c>.</summary>
    public string TaskTypes => Sessions.TaskTypes.TaskType.Set(Fold.Tasks);

    /// <summary>The number of tasks, whether or not they were answered or skipped. A column: deferred writes add to it.</summary>
    [JsonIgnore]
    public int? TaskCount => Fold.Tasks.Count;
}

/// <summary>The state of a session.</summary>
[JsonConverter(typeof(WireEnumConverter<SessionStatus>))]
public enum SessionStatus
{
    /// <summary><c>IN_PROGRESS</c></summary>
    InProgress,

    /// <summary><c>COMPLETE</c></summary>
    Complete,

    /// <summary><c>ABANDONED</c></summary>
    Abandoned,
}

/// <summary>The members that v2 and v3 share: the session without its tasks.</summary>
internal record SessionHead
{
    /// <summary>The session.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The test that the session ran.</summary>
    [AlwaysServed]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? TestId { get; init; }

    /// <summary>The workspace that the session belongs to; it comes with <see cref="SessionStarted"/>.</summary>
    [AlwaysServed]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? WorkspaceId { get; init; }

    /// <summary>The kind of the test.</summary>
    [AlwaysServed]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ProductType? ProductType { get; init; }

    /// <summary>Whether the session runs, was completed or was abandoned.</summary>
    public SessionStatus Status { get; init; }

    /// <summary>When the session began; all offsets count from here.</summary>
    [AlwaysServed]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>When the session ended, completed or abandoned; null while it runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? FinishTime { get; init; }

    /// <summary>Why the session was abandoned; absent unless the recorder said.</summary>
    public AbandonCause? AbandonCause { get; init; }

    /// <summary>The audience that the participant was recruited from; null when unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? AudienceId { get; init; }

    /// <summary>The version of the test's plan; null when unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? TestPlanId { get; init; }

    /// <summary>The participant; null when no profile was sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public SessionParticipant? SessionParticipant { get; init; }
}

/// <summary>A session's details, v3.</summary>
internal sealed record SessionBody : SessionHead
{
    [JsonConstructor]
    public SessionBody()
    {
    }

    [SetsRequiredMembers]
    public SessionBody(SessionHead head)
        : base(head)
    {
    }

    /// <summary>The task groups with a score or a sequence, ordered by id.</summary>
    [JsonPropertyOrder(1)]
    public IReadOnlyList<TaskGroupBody> TaskGroups { get; init; } = [];

    /// <summary>The tasks that were answered or skipped, ordered by position, then start, then id.</summary>
    [JsonPropertyOrder(1)]
    public IReadOnlyList<TaskBody> Tasks { get; init; } = [];
}

/// <summary>The participant as of the session.</summary>
internal sealed record SessionParticipant(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Guid? ParticipantId, IReadOnlyList<DemographicInfo> DemographicsInfo);

/// <summary>A demographic question with its answer. Each member is always there, null where it is unknown.</summary>
internal sealed record DemographicInfo(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Label,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Value,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DemographicType? Type);

/// <summary>A task group of the session with its score or its sequence.</summary>
internal sealed record TaskGroupBody(
    Guid Uuid, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TaskGroupResponse? Response);

/// <summary>A score (0–100) or a sequence (such as <c>BA</c>), by the group's type.</summary>
internal sealed record TaskGroupResponse(decimal? Score, string? Sequence);

/// <summary>A task of the session.</summary>
internal sealed record TaskBody(
    Guid Uuid, string Text, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TaskResponse? Response);

/// <summary>
/// The response to a task. Offsets are milliseconds since the session's start; <c>answer</c> is null when the task was skipped or its
/// type is not known here.
/// </summary>
internal sealed record TaskResponse(
    long StartTimeMs, long EndTimeMs, bool Skipped, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TaskAnswer? Answer);

/// <summary>An answer in v3: an object with one key, the task type's.</summary>
[JsonConverter(typeof(TaskAnswerConverter))]
internal sealed record TaskAnswer(string Key, JsonElement Payload);

/// <summary>The state that the fold needs beside the body. Each <see cref="EventOrder"/> is the latest event of its kind.</summary>
internal sealed record SessionFold
{
    public EventOrder? Started { get; init; }

    public EventOrder? Profiled { get; init; }

    public SessionEnd? Completed { get; init; }

    public SessionEnd? Abandoned { get; init; }

    public EventOrder? Resumed { get; init; }

    /// <summary>The event that holds the session's transcript.</summary>
    public EventOrder? Transcribed { get; init; }

    /// <summary>The recording and its clips; null while there are none.</summary>
    public SessionMedia? Media { get; init; }

    /// <summary>Ordered by id; tasks without an answer or skip included.</summary>
    public IReadOnlyList<TaskFold> Tasks { get; init; } = [];

    /// <summary>Ordered by id.</summary>
    public IReadOnlyList<TaskGroupFold> TaskGroups { get; init; } = [];
}

/// <summary>An event that ends a session.</summary>
internal sealed record SessionEnd(EventOrder Order, DateTimeOffset At, AbandonCause? Cause);

/// <summary>The state of a task beside the body.</summary>
internal sealed record TaskFold(Guid Id)
{
    /// <summary>The latest answer or skip; null while there is none.</summary>
    public Settled? Settled { get; init; }

    /// <summary>The answers and skips before it, in their order; null while there are none.</summary>
    public IReadOnlyList<Settled>? Earlier { get; init; }

    /// <summary>The task's own type; v3 may show another.</summary>
    public string? Type { get; init; }

    /// <summary>The task's place in the test plan, from 0.</summary>
    public int Position { get; init; }

    /// <summary>Who skipped the task; null when it was not skipped.</summary>
    public SkipReason? Reason { get; init; }

    /// <summary>The latest transcript of each answer, in their order.</summary>
    public IReadOnlyList<TranscriptPiece>? Transcripts { get; init; }

    /// <summary>The answer as it was sent, where a transcript may stand in its place.</summary>
    public JsonElement? Answer { get; init; }

    public FigmaFold? Figma { get; init; }
}

/// <summary>An answer or a skip of a task.</summary>
/// <param name="Order">Its event.</param>
/// <param name="IsCorrection">Whether it corrects the one before it, and so belongs to the same take.</param>
internal sealed record Settled(
    EventOrder Order, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsCorrection);

/// <summary>The state of a task group beside the body.</summary>
internal sealed record TaskGroupFold(Guid Id, EventOrder Settled)
{
    /// <summary>The score with its parts; null in a group without a score.</summary>
    public QxScore? Qx { get; init; }
}

/// <summary>A task group's QX score in one session, with its parts; all 0–100.</summary>
internal sealed record QxScore(string Label, decimal Score, decimal? Behavioral, decimal Attitudinal, QxScoreValues Values);

/// <summary>The single values behind a QX score.</summary>
internal sealed record QxScoreValues(
    IReadOnlyList<decimal>? Behavioral, decimal Usability, decimal Trust, decimal Appearance, decimal Loyalty);

/// <summary>Reads and writes <c>{"nps": {…}}</c>.</summary>
internal sealed class TaskAnswerConverter : JsonConverter<TaskAnswer>
{
    public override TaskAnswer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Read();
        var key = reader.GetString()!;
        reader.Read();
        var payload = JsonElement.ParseValue(ref reader);
        reader.Read();
        return new(key, payload);
    }

    public override void Write(Utf8JsonWriter writer, TaskAnswer value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WritePropertyName(value.Key);
        value.Payload.WriteTo(writer);
        writer.WriteEndObject();
    }
}

[JsonSerializable(typeof(SessionResult))]
[JsonSerializable(typeof(SessionResultV2))]
[JsonSerializable(typeof(SkipPayload))]
[JsonSerializable(typeof(SessionEventsPage))]
[JsonSerializable(typeof(TaskInteractionsPage))]
internal sealed partial class SessionResultJson : JsonSerializerContext;
