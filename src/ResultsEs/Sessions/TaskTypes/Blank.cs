using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>BLANK: completed without a response.</summary>
public sealed record BlankAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "BLANK";
}

internal sealed record BlankPayload;

internal sealed class BlankAnswerValidator : WireValidator<BlankAnswer>;

[JsonSerializable(typeof(BlankAnswer))]
[JsonSerializable(typeof(BlankPayload))]
internal sealed partial class BlankJson : JsonSerializerContext;

internal static class Blank
{
    public static TaskType TaskType { get; } = new TaskType<BlankAnswer, BlankPayload>
    {
        Name = "BLANK",
        V3Type = "BLANK",
        V3Key = "blank",
        Context = BlankJson.Default,
        Validator = new BlankAnswerValidator(),
        Payload = _ => new(),
    };
}
