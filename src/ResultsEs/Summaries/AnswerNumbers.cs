using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary>The answers to a task in numbers: one member, by the task's type.</summary>
internal sealed record AnswerNumbers
{
    public NpsNumbers? Nps { get; init; }

    public RatingScaleNumbers? RatingScale { get; init; }

    public MatrixNumbers? Matrix { get; init; }

    public MultipleChoiceNumbers? MultipleChoice { get; init; }

    public RankOrderNumbers? RankOrder { get; init; }

    public UrlNumbers? Url { get; init; }

    public FigmaNumbers? Figma { get; init; }

    public ImageNumbers? Image { get; init; }

    /// <summary>Written and spoken answers have no numbers: see <c>listTaskAnswers</c>.</summary>
    public NoNumbers? Written { get; init; }

    public NoNumbers? Blank { get; init; }

    /// <summary>Makes them of what was counted; null for a type that this version does not know.</summary>
    /// <param name="type">The task's type, in v3's words.</param>
    /// <param name="items">What was counted, in the order in which it came first.</param>
    /// <param name="defined">The task in the test's definition; null where it has none.</param>
    public static AnswerNumbers? Of(string type, IReadOnlyList<ItemNumbers> items, StudyTask? defined) => type switch
    {
        _ when type == Sessions.TaskTypes.Nps.TaskType.V3Type => new() { Nps = NpsNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.RatingScale.TaskType.V3Type => new() { RatingScale = RatingScaleNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.Matrix.TaskType.V3Type => new() { Matrix = MatrixNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.MultipleChoice.TaskType.V3Type =>
            new() { MultipleChoice = MultipleChoiceNumbers.Of(items, defined) },
        _ when type == Sessions.TaskTypes.RankOrder.TaskType.V3Type => new() { RankOrder = RankOrderNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.Url.TaskType.V3Type => new() { Url = UrlNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.Figma.TaskType.V3Type => new() { Figma = FigmaNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.Image.TaskType.V3Type => new() { Image = ImageNumbers.Of(items) },
        _ when type == Sessions.TaskTypes.Written.TaskType.V3Type => new() { Written = new() },
        _ when type == Sessions.TaskTypes.Blank.TaskType.V3Type => new() { Blank = new() },
        _ => null,
    };

    internal static IEnumerable<ItemNumbers> OfKind(IReadOnlyList<ItemNumbers> items, SummaryItemKind kind) =>
        items.Where(item => item.Kind == kind);

    /// <summary>The words of most answers.</summary>
    internal static string? MostOf(IEnumerable<ItemNumbers> items, Func<SummaryItemData, string?> text) =>
        text(items.MaxBy(item => item.There + item.NotThere)!.Data);

    internal static decimal Mean(decimal sum, long count) => Math.Round(sum / count, 4, MidpointRounding.AwayFromZero);
}

/// <summary>An answer without numbers.</summary>
internal sealed record NoNumbers;

/// <summary>Answers to an NPS task.</summary>
/// <param name="Score">The promoters' percentage less the detractors', in whole percent, −100 to 100.</param>
/// <param name="Promoters">Answers of 9 and 10.</param>
/// <param name="Passives">Answers of 7 and 8.</param>
/// <param name="Detractors">Answers of 0 to 6.</param>
/// <param name="Distribution">The answers by score, 0 to 10, each of them.</param>
internal sealed record NpsNumbers(
    int Score, long Promoters, long Passives, long Detractors, IReadOnlyList<NpsScoreCount> Distribution)
{
    public static NpsNumbers? Of(IReadOnlyList<ItemNumbers> items)
    {
        var counts = AnswerNumbers.OfKind(items, SummaryItemKind.Score)
            .ToDictionary(item => (int)item.Data.Value!.Value, item => item.There);
        if (counts.Values.Sum() == 0)
            return null;

        var count = new NpsCount(OfCategory(Nps.Promoter), OfCategory(Nps.Passive), OfCategory(Nps.Detractor));
        return new NpsNumbers(
            StudyNetPromoterScore.Of(default, count).Score, count.Promoters, count.Passives, count.Detractors,
            [.. Enumerable.Range(0, 11).Select(score => new NpsScoreCount(score, counts.GetValueOrDefault(score)))]);

        long OfCategory(string category) => counts.Where(score => Nps.Category(score.Key) == category).Sum(score => score.Value);
    }
}

/// <summary>The answers of one score.</summary>
internal sealed record NpsScoreCount(int Score, long Count);

/// <summary>Answers on a rating scale. Its ends and their labels are those of most answers.</summary>
/// <param name="Min">The lower end.</param>
/// <param name="Max">The upper end.</param>
/// <param name="MinLabel">What stands at the lower end; null where nothing does.</param>
/// <param name="MaxLabel">What stands at the upper end; null where nothing does.</param>
/// <param name="Mean">The mean value, rounded to four decimals.</param>
/// <param name="Distribution">The values in their order; at most 1,000, the most frequent.</param>
internal sealed record RatingScaleNumbers(
    decimal Min, decimal Max, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? MinLabel,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? MaxLabel, decimal Mean, IReadOnlyList<ValueCount> Distribution)
{
    public static RatingScaleNumbers? Of(IReadOnlyList<ItemNumbers> items)
    {
        var ratings = AnswerNumbers.OfKind(items, SummaryItemKind.Rating).ToList();
        var answers = ratings.Sum(item => item.There);
        if (answers == 0)
            return null;

        var scale = ratings.GroupBy(item => item.Data with { Value = null }).MaxBy(some => some.Sum(item => item.There))!.Key;
        return new RatingScaleNumbers(
            scale.Min!.Value, scale.Max!.Value, scale.MinLabel, scale.MaxLabel,
            AnswerNumbers.Mean(ratings.Sum(item => item.Data.Value!.Value * item.There), answers),
            [
                .. ratings.GroupBy(item => item.Data.Value!.Value, (value, some) => new ValueCount(value, some.Sum(item => item.There)))
                    .OrderBy(value => value.Value),
            ]);
    }
}

/// <summary>The answers of one value.</summary>
internal sealed record ValueCount(decimal Value, long Count);

/// <summary>Answers to a matrix.</summary>
/// <param name="Rows">Its rows, in the order in which they came first; with at most 1,000 selections, the most frequent.</param>
internal sealed record MatrixNumbers(IReadOnlyList<MatrixRowNumbers> Rows)
{
    public static MatrixNumbers Of(IReadOnlyList<ItemNumbers> items)
    {
        var selections = AnswerNumbers.OfKind(items, SummaryItemKind.Selection).ToLookup(item => item.Data.RowId!, StringComparer.Ordinal);
        var rows = items.Where(item => item.Kind is SummaryItemKind.Row or SummaryItemKind.Selection)
            .GroupBy(item => item.Data.RowId!, StringComparer.Ordinal);
        return new MatrixNumbers(
        [
            .. rows.Select(row => new MatrixRowNumbers(
                row.Key,
                AnswerNumbers.MostOf(row, data => data.RowLabel)!,
                [
                    .. selections[row.Key].GroupBy(item => (item.Data.Id, item.Data.Value)).Select(some => new SelectionCount(
                        some.Key.Id!, AnswerNumbers.MostOf(some, data => data.Label)!, some.Key.Value, some.Sum(item => item.There)))
                        .OrderBy(one => one.Value is null).ThenBy(one => one.Value),
                ])),
        ]);
    }
}

/// <summary>A row of a matrix.</summary>
/// <param name="Id">The row.</param>
/// <param name="Label">Its words.</param>
/// <param name="Selections">What was selected in it: by value where selections have one, else in the order in which it came first.</param>
internal sealed record MatrixRowNumbers(string Id, string Label, IReadOnlyList<SelectionCount> Selections);

/// <summary>A selection in a row.</summary>
internal sealed record SelectionCount(
    string Id, string Label, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? Value, long Count);

/// <summary>Answers to a multiple choice.</summary>
/// <param name="MultiSelect">True when several options could be chosen, in most answers.</param>
/// <param name="Options">
/// The options, in the order of the test's definition, then as they came first; at most 1,000, those that were chosen most.
/// </param>
/// <param name="Other">Answers in words of one's own.</param>
internal sealed record MultipleChoiceNumbers(bool MultiSelect, IReadOnlyList<OptionCount> Options, long Other)
{
    public static MultipleChoiceNumbers Of(IReadOnlyList<ItemNumbers> items, StudyTask? defined)
    {
        var choices = (defined?.Choices ?? []).Index().GroupBy(choice => choice.Item, StringComparer.Ordinal)
            .ToDictionary(some => some.Key, some => some.First().Index, StringComparer.Ordinal);
        var options = AnswerNumbers.OfKind(items, SummaryItemKind.Option).GroupBy(item => item.Data.Id!, StringComparer.Ordinal)
            .Select(some => new OptionCount(some.Key, AnswerNumbers.MostOf(some, data => data.Text)!, some.Sum(item => item.There)));
        var answers = AnswerNumbers.OfKind(items, SummaryItemKind.Task).Sum(item => item.There);
        return new MultipleChoiceNumbers(
            AnswerNumbers.OfKind(items, SummaryItemKind.MultiSelect).Sum(item => item.There) * 2 > answers,
            [.. options.OrderBy(option => choices.GetValueOrDefault(option.Text, int.MaxValue))],
            AnswerNumbers.OfKind(items, SummaryItemKind.Other).Sum(item => item.There));
    }
}

/// <summary>An option with the answers that chose it; at most 500 characters of its text.</summary>
internal sealed record OptionCount(string Id, string Text, long Count);

/// <summary>Answers that rank options.</summary>
/// <param name="Options">The options by their mean rank; with at most 1,000 ranks, the most frequent.</param>
internal sealed record RankOrderNumbers(IReadOnlyList<RankedOptionNumbers> Options)
{
    public static RankOrderNumbers Of(IReadOnlyList<ItemNumbers> items) => new(
    [
        .. AnswerNumbers.OfKind(items, SummaryItemKind.Ranked).Where(item => item.There > 0)
            .GroupBy(item => item.Data.Id!, StringComparer.Ordinal)
            .Select(some => new RankedOptionNumbers(
                some.Key,
                AnswerNumbers.MostOf(some, data => data.Text)!,
                AnswerNumbers.Mean(some.Sum(item => item.Data.Position!.Value * (decimal)item.There), some.Sum(item => item.There)),
                [
                    .. some.GroupBy(item => item.Data.Position!.Value, (rank, at) => new RankCount(rank, at.Sum(item => item.There)))
                        .OrderBy(rank => rank.Rank),
                ]))
            .OrderBy(option => option.MeanRank),
    ]);
}

/// <summary>An option that was ranked.</summary>
/// <param name="Id">The option.</param>
/// <param name="Text">Its words, at most 500 characters.</param>
/// <param name="MeanRank">The mean of its ranks, rounded to four decimals.</param>
/// <param name="Ranks">How often it had which rank.</param>
internal sealed record RankedOptionNumbers(string Id, string Text, decimal MeanRank, IReadOnlyList<RankCount> Ranks);

/// <summary>The answers that gave one rank.</summary>
internal sealed record RankCount(int Rank, long Count);
