using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record VerbalPayload(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Text, string? Language, IReadOnlyList<Cue>? Cues);

internal sealed class Verbal : WireValidator<VerbalAnswer>
{
    public static TaskType<VerbalAnswer, VerbalPayload> TaskType { get; } = new("WRITTEN", "written", new Verbal())
    {
        Payload = answer => new(answer.Text, answer.Language, answer.Cues),
        Mask = static (answer, _) => answer with { Text = Masking.OrNull(answer.Text), Language = null, Cues = null },
        WithPieces = (payload, pieces) => pieces.Transcript is { } transcript
            ? new(transcript.Text, transcript.Language, transcript.Cues)
            : payload,
    };

    public Verbal()
    {
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.Language).Label();
        RuleForEach(x => x.Cues).SetValidator(new CueValidator());
    }
}
