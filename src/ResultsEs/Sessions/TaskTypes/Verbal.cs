using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// VERBAL: a spoken response. Its transcript comes as <see cref="VerbalResponseTranscribed"/>, which wins over a text
/// that the answer itself brings.
/// </summary>
public sealed record VerbalAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "VERBAL";

    /// <summary>The transcript, where the recorder has one at once.</summary>
    public string? Text { get; init; }

    /// <summary>The language spoken, as a BCP 47 tag.</summary>
    public string? Language { get; init; }

    /// <summary>The transcript in timed pieces.</summary>
    public IReadOnlyList<Cue>? Cues { get; init; }
}

internal sealed record VerbalPayload(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Text,
    string? Language,
    IReadOnlyList<Cue>? Cues);

internal sealed class VerbalAnswerValidator : WireValidator<VerbalAnswer>
{
    public VerbalAnswerValidator()
    {
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.Language).Label();
        RuleForEach(x => x.Cues).SetValidator(new CueValidator());
    }
}

[JsonSerializable(typeof(VerbalAnswer))]
[JsonSerializable(typeof(VerbalPayload))]
internal sealed partial class VerbalJson : JsonSerializerContext;

internal static class Verbal
{
    public static TaskType TaskType { get; } = new TaskType<VerbalAnswer, VerbalPayload>
    {
        Name = "VERBAL",
        V3Type = "WRITTEN",
        V3Key = "written",
        Context = VerbalJson.Default,
        Validator = new VerbalAnswerValidator(),
        Payload = answer => new(answer.Text, answer.Language, answer.Cues),
        WithPieces = (payload, pieces) => pieces.Transcript is { } transcript
            ? new(transcript.Text, transcript.Language, transcript.Cues)
            : payload,
    };
}
