using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>RANK_ORDER: options brought into an order.</summary>
public sealed record RankOrderAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "RANK_ORDER";

    /// <summary>The options; their ranks are a permutation of 1…n.</summary>
    public required IReadOnlyList<RankedOption> Ranking { get; init; }
}

/// <summary>An option with its rank.</summary>
public sealed record RankedOption : EventPart
{
    /// <summary>1 is first.</summary>
    public required int Rank { get; init; }

    /// <summary>The option, unique in the task.</summary>
    public required string Id { get; init; }

    /// <summary>The option as the participant read it.</summary>
    public required string Text { get; init; }
}

internal sealed record RankOrderPayload(IReadOnlyList<RankedOption> Ranking);

internal sealed class RankOrderAnswerValidator : WireValidator<RankOrderAnswer>
{
    public RankOrderAnswerValidator()
    {
        RuleFor(x => x.Ranking)
            .NotEmpty().WithMessage("must have at least one option")
            .DistinctBy(option => option.Id, "option ids")
            .Must(IsPermutation).WithMessage(x => $"must have each rank from 1 to {x.Ranking.Count} exactly once");
        RuleForEach(x => x.Ranking).ChildRules(option =>
        {
            option.RuleFor(x => x.Id).ShortId();
            option.RuleFor(x => x.Text).FreeText();
        });
    }

    private static bool IsPermutation(IReadOnlyList<RankedOption> ranking) =>
        ranking.Select(option => option.Rank).Order().SequenceEqual(Enumerable.Range(1, ranking.Count));
}

[JsonSerializable(typeof(RankOrderAnswer))]
[JsonSerializable(typeof(RankOrderPayload))]
internal sealed partial class RankOrderJson : JsonSerializerContext;

internal static class RankOrder
{
    public static TaskType TaskType { get; } = new TaskType<RankOrderAnswer, RankOrderPayload>
    {
        Name = "RANK_ORDER",
        V3Type = "RANK_ORDER",
        V3Key = "rankOrder",
        Context = RankOrderJson.Default,
        Validator = new RankOrderAnswerValidator(),
        Payload = answer => new([.. answer.Ranking.OrderBy(option => option.Rank)]),
    };
}
