namespace ResultsEs.Sessions.TaskTypes;

internal sealed record RatingScalePayload(decimal Value, decimal Min, decimal Max, string? MinLabel, string? MaxLabel);

internal sealed class RatingScale : WireValidator<RatingScaleAnswer>
{
    public static TaskType<RatingScaleAnswer, RatingScalePayload> TaskType { get; } = new("RATING_SCALE", "ratingScale", new RatingScale())
    {
        Payload = answer => new(answer.Value, answer.Min, answer.Max, answer.MinLabel, answer.MaxLabel),
        Mask = static (answer, _) => answer with { MinLabel = null, MaxLabel = null },
    };

    public RatingScale()
    {
        RuleFor(x => x.Max).GreaterThan(x => x.Min).WithMessage("must be greater than min ({ComparisonValue})");
        RuleFor(x => x.Value)
            .Must((answer, value) => value >= answer.Min && value <= answer.Max)
            .When(x => x.Min < x.Max)
            .WithMessage(x => FormattableString.Invariant($"must lie on the scale from {x.Min} to {x.Max}"));
        RuleFor(x => x.MinLabel).Label();
        RuleFor(x => x.MaxLabel).Label();
    }
}
