[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.RatingScaleJson>]

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record RatingScalePayload(decimal Value, decimal Min, decimal Max, string? MinLabel, string? MaxLabel);

internal sealed class RatingScaleAnswerValidator : WireValidator<RatingScaleAnswer>
{
    public RatingScaleAnswerValidator()
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

[JsonSerializable(typeof(RatingScalePayload))]
internal sealed partial class RatingScaleJson : JsonSerializerContext;

internal static class RatingScale
{
    public static TaskType TaskType { get; } = new TaskType<RatingScaleAnswer, RatingScalePayload>
    {
        V3Type = "RATING_SCALE",
        V3Key = "ratingScale",
        Validator = new RatingScaleAnswerValidator(),
        Payload = answer => new(answer.Value, answer.Min, answer.Max, answer.MinLabel, answer.MaxLabel),
    };
}
