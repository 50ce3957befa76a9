namespace ResultsEs.Summaries;

/// <summary>Answers to a URL task.</summary>
/// <param name="Outcomes">How they ended, each of the outcomes.</param>
/// <param name="Paths">The most frequent paths, at most 20.</param>
/// <param name="OtherPaths">Answers with another path. Those without one are in neither.</param>
internal sealed record UrlNumbers(IReadOnlyList<OutcomeCount> Outcomes, IReadOnlyList<PathCount> Paths, long OtherPaths)
{
    public static UrlNumbers Of(IReadOnlyList<ItemNumbers> items) =>
        new(OutcomeCount.Of(items), PathCount.Of(items), PathCount.Others(items));
}

/// <summary>Answers to a FIGMA task.</summary>
/// <param name="Outcomes">How they ended, each of the outcomes; an answer may tell none.</param>
/// <param name="Paths">The most frequent paths of nodes, at most 20.</param>
/// <param name="OtherPaths">Answers with another path. Those without one are in neither.</param>
/// <param name="Misclicks">
/// The nodes on which clicks hit nothing, most first, at most 1,000. Of a session's clicks those are counted that are kept one by one.
/// </param>
/// <param name="Prototypes">The prototypes that were tested, those of most answers first.</param>
internal sealed record FigmaNumbers(
    IReadOnlyList<OutcomeCount> Outcomes, IReadOnlyList<PathCount> Paths, long OtherPaths, IReadOnlyList<NodeCount> Misclicks,
    IReadOnlyList<PrototypeCount> Prototypes)
{
    public static FigmaNumbers Of(IReadOnlyList<ItemNumbers> items) => new(
        OutcomeCount.Of(items),
        PathCount.Of(items),
        PathCount.Others(items),
        [
            .. AnswerNumbers.OfKind(items, SummaryItemKind.Misclick).Where(item => item.There > 0)
                .OrderByDescending(item => item.There)
                .Select(item => new NodeCount(item.Data.Id!, item.There)),
        ],
        [
            .. AnswerNumbers.OfKind(items, SummaryItemKind.Prototype).Where(item => item.There > 0)
                .OrderByDescending(item => item.There)
                .Select(item => new PrototypeCount(item.Data.Url!, item.Data.Text, item.There)),
        ]);
}

/// <summary>Answers to an image task.</summary>
/// <param name="Images">The images, those of most answers first.</param>
internal sealed record ImageNumbers(IReadOnlyList<ImageCount> Images)
{
    public static ImageNumbers Of(IReadOnlyList<ItemNumbers> items) => new(
    [
        .. AnswerNumbers.OfKind(items, SummaryItemKind.Image).Where(item => item.There > 0)
            .OrderByDescending(item => item.There)
            .Select(item => new ImageCount(item.Data.Url!, item.There)),
    ]);
}

/// <summary>The answers of one outcome.</summary>
internal sealed record OutcomeCount(TaskOutcome Outcome, long Count)
{
    private static readonly TaskOutcome[] InOrder = [TaskOutcome.Success, TaskOutcome.Failure, TaskOutcome.Unknown];

    public static IReadOnlyList<OutcomeCount> Of(IReadOnlyList<ItemNumbers> items)
    {
        var counts = AnswerNumbers.OfKind(items, SummaryItemKind.Outcome)
            .ToDictionary(item => item.Data.Outcome!.Value, item => item.There);
        return [.. InOrder.Select(outcome => new OutcomeCount(outcome, counts.GetValueOrDefault(outcome)))];
    }
}

/// <summary>The answers of one path.</summary>
/// <param name="Path">The pages' addresses, or the nodes' ids, in order.</param>
/// <param name="Count">The answers.</param>
internal sealed record PathCount(IReadOnlyList<string> Path, long Count)
{
    public static IReadOnlyList<PathCount> Of(IReadOnlyList<ItemNumbers> items) =>
    [
        .. AnswerNumbers.OfKind(items, SummaryItemKind.Path).Where(item => item.There > 0)
            .OrderByDescending(item => item.There)
            .Select(item => new PathCount(item.Data.Path!, item.There)),
    ];

    /// <summary>The answers whose path is not listed.</summary>
    public static long Others(IReadOnlyList<ItemNumbers> items)
    {
        var paths = AnswerNumbers.OfKind(items, SummaryItemKind.Path).ToList();
        return (paths.Count == 0 ? 0 : paths[0].OfKind - paths.Sum(path => path.There))
            + AnswerNumbers.OfKind(items, SummaryItemKind.OtherPath).Sum(item => item.There);
    }
}

/// <summary>The clicks on a node that hit nothing.</summary>
internal sealed record NodeCount(string NodeId, long Count);

/// <summary>The answers about a prototype.</summary>
internal sealed record PrototypeCount(
    string Url, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Title, long Count);

/// <summary>The answers about an image.</summary>
internal sealed record ImageCount(string ImageUrl, long Answers);
