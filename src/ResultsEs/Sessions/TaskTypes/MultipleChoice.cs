using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record MultipleChoicePayload(
    bool MultiSelect, bool RandomizedOptions, int? MaxLimit, IReadOnlyList<ChoiceOption> Options, string? OtherText);

internal sealed class MultipleChoice : WireValidator<MultipleChoiceAnswer>
{
    public static TaskType<MultipleChoiceAnswer, MultipleChoicePayload> TaskType { get; } =
        new("MULTIPLE_CHOICE", "multipleChoice", new MultipleChoice())
        {
            Payload = answer => new(answer.MultiSelect, answer.RandomizedOptions, answer.MaxLimit, answer.Options, answer.OtherText),
            MaxBytes = TaskTypes.TaskType.MaxListBytes,
            Mask = static (answer, masking) => answer with
            {
                Options = [.. answer.Options.Select(option => option with { Id = masking.Id(option.Id), Text = Masking.Text })],
                OtherText = Masking.OrNull(answer.OtherText),
            },
        };

    public MultipleChoice()
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
            .WithMessage(x =>
                $"must have one option selected when multiSelect is false (none only with otherText), not {Selected(x.Options)}");
        RuleForEach(x => x.Options).ChildRules(option =>
        {
            option.RuleFor(x => x.Id).ShortId();
            option.RuleFor(x => x.Text).FreeText();
        });
        RuleFor(x => x.OtherText).FreeText();
    }

    private static int Selected(IReadOnlyList<ChoiceOption> options) => options.Count(option => option.Selected);
}
