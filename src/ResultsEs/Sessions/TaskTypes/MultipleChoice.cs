using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>MULTIPLE_CHOICE: one or several choices.</summary>
public sealed record MultipleChoiceAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "MULTIPLE_CHOICE";

    /// <summary>Whether several options may be chosen.</summary>
    public required bool MultiSelect { get; init; }

    /// <summary>Whether the options were shown in random order.</summary>
    public required bool RandomizedOptions { get; init; }

    /// <summary>How many options may be chosen at most.</summary>
    public int? MaxLimit { get; init; }

    /// <summary>The options in the order shown.</summary>
    public required IReadOnlyList<ChoiceOption> Options { get; init; }

    /// <summary>What the participant wrote under "other".</summary>
    public string? OtherText { get; init; }
}

/// <summary>An option of a multiple choice.</summary>
public sealed record ChoiceOption : EventPart
{
    /// <summary>The option, unique in the task.</summary>
    public required string Id { get; init; }

    /// <summary>The option as the participant read it.</summary>
    public required string Text { get; init; }

    /// <summary>Whether it was chosen.</summary>
    public required bool Selected { get; init; }
}

internal sealed record MultipleChoicePayload(
    bool MultiSelect,
    bool RandomizedOptions,
    int? MaxLimit,
    IReadOnlyList<ChoiceOption> Options,
    string? OtherText);

internal sealed class MultipleChoiceAnswerValidator : WireValidator<MultipleChoiceAnswer>
{
    public MultipleChoiceAnswerValidator()
    {
        RuleFor(x => x.MaxLimit).GreaterThanOrEqualTo(1).WithMessage("must be at least 1");
        RuleFor(x => x.Options).NotEmpty().WithMessage("must have at least one option").DistinctBy(option => option.Id, "option ids");
        RuleFor(x => x.Options)
            .Must((answer, options) => Selected(options) <= answer.MaxLimit)
            .When(x => x.MaxLimit is >= 1)
            .WithMessage(x => $"must have at most maxLimit ({x.MaxLimit}) options selected, not {Selected(x.Options)}");
        RuleFor(x => x.Options)
            .Must((answer, options) => Selected(options) == 1 || (Selected(options) == 0 && answer.OtherText is not null))
            .When(x => !x.MultiSelect)
            .WithMessage(x => $"must have one option selected when multiSelect is false (none only with otherText), not {Selected(x.Options)}");
        RuleForEach(x => x.Options).ChildRules(option =>
        {
            option.RuleFor(x => x.Id).ShortId();
            option.RuleFor(x => x.Text).FreeText();
        });
        RuleFor(x => x.OtherText).FreeText();
    }

    private static int Selected(IReadOnlyList<ChoiceOption> options) => options.Count(option => option.Selected);
}

[JsonSerializable(typeof(MultipleChoiceAnswer))]
[JsonSerializable(typeof(MultipleChoicePayload))]
internal sealed partial class MultipleChoiceJson : JsonSerializerContext;

internal static class MultipleChoice
{
    public static TaskType TaskType { get; } = new TaskType<MultipleChoiceAnswer, MultipleChoicePayload>
    {
        Name = "MULTIPLE_CHOICE",
        V3Type = "MULTIPLE_CHOICE",
        V3Key = "multipleChoice",
        Context = MultipleChoiceJson.Default,
        Validator = new MultipleChoiceAnswerValidator(),
        Payload = answer => new(answer.MultiSelect, answer.RandomizedOptions, answer.MaxLimit, answer.Options, answer.OtherText),
    };
}
