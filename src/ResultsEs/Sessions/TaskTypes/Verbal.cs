[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.VerbalJson>]

namespace ResultsEs.Sessions.TaskTypes;

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

[JsonSerializable(typeof(VerbalPayload))]
internal sealed partial class VerbalJson : JsonSerializerContext;

internal static class Verbal
{
    public static TaskType TaskType { get; } = new TaskType<VerbalAnswer, VerbalPayload>
    {
        V3Type = "WRITTEN",
        V3Key = "written",
        Validator = new VerbalAnswerValidator(),
        Payload = answer => new(answer.Text, answer.Language, answer.Cues),
        WithPieces = (payload, pieces) => pieces.Transcript is { } transcript
            ? new(transcript.Text, transcript.Language, transcript.Cues)
            : payload,
    };
}
