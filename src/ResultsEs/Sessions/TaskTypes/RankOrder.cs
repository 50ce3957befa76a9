using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record RankOrderPayload(IReadOnlyList<RankedOption> Ranking);

internal sealed class RankOrder : WireValidator<RankOrderAnswer>
{
    public static TaskType<RankOrderAnswer, RankOrderPayload> TaskType { get; } = new("RANK_ORDER", "rankOrder", new RankOrder())
    {
        Payload = answer => new([.. answer.Ranking.OrderBy(option => option.Rank)]),
        MaxBytes = TaskTypes.TaskType.MaxListBytes,
        Mask = static (answer, masking) => answer with
        {
            Ranking = [.. answer.Ranking.Select(option => option with { Id = masking.Id(option.Id), Text = Masking.Text })],
        },
    };

    public RankOrder()
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
