using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>WRITTEN: open-ended text.</summary>
public sealed record WrittenAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "WRITTEN";

    /// <summary>What the participant wrote, at most 100,000 characters.</summary>
    public required string Text { get; init; }
}

internal sealed record WrittenPayload(string Text);

internal sealed class WrittenAnswerValidator : WireValidator<WrittenAnswer>
{
    public WrittenAnswerValidator() => RuleFor(x => x.Text).FreeText();
}

[JsonSerializable(typeof(WrittenAnswer))]
[JsonSerializable(typeof(WrittenPayload))]
internal sealed partial class WrittenJson : JsonSerializerContext;

internal static class Written
{
    public static TaskType TaskType { get; } = new TaskType<WrittenAnswer, WrittenPayload>
    {
        Name = "WRITTEN",
        V3Type = "WRITTEN",
        V3Key = "written",
        Context = WrittenJson.Default,
        Validator = new WrittenAnswerValidator(),
        Payload = answer => new(answer.Text),
    };
}
