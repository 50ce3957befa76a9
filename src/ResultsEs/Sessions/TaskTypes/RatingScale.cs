using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>RATING_SCALE: one rating on a scale.</summary>
public sealed record RatingScaleAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "RATING_SCALE";

    /// <summary>The rating, from <see cref="Min"/> to <see cref="Max"/>.</summary>
    public required decimal Value { get; init; }

    /// <summary>The scale's lower end.</summary>
    public required decimal Min { get; init; }

    /// <summary>The scale's upper end, above <see cref="Min"/>.</summary>
    public required decimal Max { get; init; }

    /// <summary>What stands at the lower end.</summary>
    public string? MinLabel { get; init; }

    /// <summary>What stands at the upper end.</summary>
    public string? MaxLabel { get; init; }
}

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

[JsonSerializable(typeof(RatingScaleAnswer))]
[JsonSerializable(typeof(RatingScalePayload))]
internal sealed partial class RatingScaleJson : JsonSerializerContext;

internal static class RatingScale
{
    public static TaskType TaskType { get; } = new TaskType<RatingScaleAnswer, RatingScalePayload>
    {
        Name = "RATING_SCALE",
        V3Type = "RATING_SCALE",
        V3Key = "ratingScale",
        Context = RatingScaleJson.Default,
        Validator = new RatingScaleAnswerValidator(),
        Payload = answer => new(answer.Value, answer.Min, answer.Max, answer.MinLabel, answer.MaxLabel),
    };
}
