[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.BlankJson>]

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record BlankPayload;

internal sealed class BlankAnswerValidator : WireValidator<BlankAnswer>;

[JsonSerializable(typeof(BlankPayload))]
internal sealed partial class BlankJson : JsonSerializerContext;

internal static class Blank
{
    public static TaskType TaskType { get; } = new TaskType<BlankAnswer, BlankPayload>
    {
        V3Type = "BLANK",
        V3Key = "blank",
        Validator = new BlankAnswerValidator(),
        Payload = _ => new(),
    };
}
