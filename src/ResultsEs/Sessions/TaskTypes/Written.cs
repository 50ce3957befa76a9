[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.WrittenJson>]

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record WrittenPayload(string Text);

internal sealed class WrittenAnswerValidator : WireValidator<WrittenAnswer>
{
    public WrittenAnswerValidator() => RuleFor(x => x.Text).FreeText();
}

[JsonSerializable(typeof(WrittenPayload))]
internal sealed partial class WrittenJson : JsonSerializerContext;

internal static class Written
{
    public static TaskType TaskType { get; } = new TaskType<WrittenAnswer, WrittenPayload>
    {
        V3Type = "WRITTEN",
        V3Key = "written",
        Validator = new WrittenAnswerValidator(),
        Payload = answer => new(answer.Text),
    };
}
