using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Summaries;

/// <summary>An item in a row of a task.</summary>
/// <param name="Item">The item.</param>
/// <param name="IsThere">False where the option was there and not chosen, or the task was skipped.</param>
internal readonly record struct CountedItem(SummaryItem Item, bool IsThere = true);

/// <summary>What is counted of an answer, by its type.</summary>
internal static class TaskItems
{
    /// <summary>The most items of an answer that are counted, its task among them.</summary>
    public const int MaxOfAnswer = 400;

    /// <summary>The most characters of an answer's words in which one can look.</summary>
    public const int MaxWords = 10_000;

    /// <summary>The items of an answer, without that of its task.</summary>
    public static IEnumerable<CountedItem> Of(TaskBody task, TaskFold fold)
    {
        if (task.Response?.Answer is not { } answer)
            return [];

        return answer.Key switch
        {
            _ when answer.Key == Nps.TaskType.V3Key => Of(task.Uuid, Read<NpsPayload>(answer)),
            _ when answer.Key == RatingScale.TaskType.V3Key => Of(task.Uuid, Read<RatingScalePayload>(answer)),
            _ when answer.Key == Matrix.TaskType.V3Key => Of(task.Uuid, Read<MatrixPayload>(answer)),
            _ when answer.Key == MultipleChoice.TaskType.V3Key => Of(task.Uuid, Read<MultipleChoicePayload>(answer)),
            _ when answer.Key == RankOrder.TaskType.V3Key => Of(task.Uuid, Read<RankOrderPayload>(answer)),
            _ when answer.Key == Url.TaskType.V3Key => Of(task.Uuid, Read<UrlPayload>(answer)),
            _ when answer.Key == Figma.TaskType.V3Key => Of(task.Uuid, Read<FigmaPayload>(answer), fold),
            _ when answer.Key == Image.TaskType.V3Key => Of(task.Uuid, Read<ImagePayload>(answer)),
            _ => [],
        };
    }

    /// <summary>The words of an answer in which one can look, in small letters; null where it has none.</summary>
    public static string? WordsOf(TaskBody task)
    {
        if (task.Response?.Answer is not { } answer)
            return null;

        var words = answer.Key switch
        {
            _ when answer.Key == Written.TaskType.V3Key => Read<VerbalPayload>(answer).Text,
            _ when answer.Key == MultipleChoice.TaskType.V3Key => Read<MultipleChoicePayload>(answer).OtherText,
            _ when answer.Key == Image.TaskType.V3Key =>
                string.Join('\n', Read<ImagePayload>(answer).Annotations.Select(annotation => annotation.Comment).OfType<string>()),
            _ => null,
        };
        if (string.IsNullOrEmpty(words))
            return null;
        return (words.Length <= MaxWords ? words : words[..MaxWords]).ToLowerInvariant();
    }

    private static T Read<T>(TaskAnswer answer) => answer.Payload.Deserialize(Json.Of<T>())!;

    private static IEnumerable<CountedItem> Of(Guid task, NpsPayload answer) =>
        [Item(SummaryItemKind.Score, task, new() { Value = answer.Score })];

    private static IEnumerable<CountedItem> Of(Guid task, RatingScalePayload answer) =>
    [
        Item(SummaryItemKind.Rating, task, new()
        {
            Value = answer.Value,
            Min = answer.Min,
            Max = answer.Max,
            MinLabel = SummaryItem.Cut(answer.MinLabel),
            MaxLabel = SummaryItem.Cut(answer.MaxLabel),
        }),
    ];

    private static IEnumerable<CountedItem> Of(Guid task, MatrixPayload answer) => answer.Rows.SelectMany(row =>
    {
        var data = new SummaryItemData { RowId = row.Id, RowLabel = SummaryItem.Cut(row.Label) };
        return row.Selections.Count == 0
            ? [Item(SummaryItemKind.Row, task, data)]
            : row.Selections.Select(selection => Item(SummaryItemKind.Selection, task, data with
            {
                Id = selection.Id,
                Label = SummaryItem.Cut(selection.Label),
                Value = selection.Value,
            }));
    });

    private static IEnumerable<CountedItem> Of(Guid task, MultipleChoicePayload answer) =>
    [
        .. answer.MultiSelect ? [new CountedItem(SummaryItem.Of(SummaryItemKind.MultiSelect, task))] : Array.Empty<CountedItem>(),
        .. answer.OtherText is null ? [] : new[] { new CountedItem(SummaryItem.Of(SummaryItemKind.Other, task)) },
        // Those that were chosen first: a long list is cut.
        .. answer.Options.OrderByDescending(option => option.Selected).Select(option =>
            Item(SummaryItemKind.Option, task, new() { Id = option.Id, Text = SummaryItem.Cut(option.Text) })
                with { IsThere = option.Selected }),
    ];

    private static IEnumerable<CountedItem> Of(Guid task, RankOrderPayload answer) => answer.Ranking.Select(option => Item(
        SummaryItemKind.Ranked, task, new() { Id = option.Id, Text = SummaryItem.Cut(option.Text), Position = option.Rank }));

    private static IEnumerable<CountedItem> Of(Guid task, UrlPayload answer) =>
    [
        Item(SummaryItemKind.Outcome, task, new() { Outcome = answer.Outcome }),
        .. answer.Visits is { Count: > 0 } visits
            ? [new CountedItem(SummaryItem.OfPath(task, [.. visits.Select(visit => visit.Url)]))]
            : Array.Empty<CountedItem>(),
    ];

    private static IEnumerable<CountedItem> Of(Guid task, FigmaPayload answer, TaskFold fold) =>
    [
        Item(SummaryItemKind.Prototype, task, new() { Url = answer.PrototypeUrl, Text = SummaryItem.Cut(answer.FigmaPrototypeTitle) }),
        .. answer.Outcome is { } outcome
            ? [Item(SummaryItemKind.Outcome, task, new() { Outcome = outcome })]
            : Array.Empty<CountedItem>(),
        .. answer.Path.Count > 0
            ? [new CountedItem(SummaryItem.OfPath(task, [.. answer.Path.Select(visit => visit.NodeId)]))]
            : Array.Empty<CountedItem>(),
        .. Missed(fold).Select(missed => Item(
            SummaryItemKind.Misclick, task, new() { Id = missed.Click!.Target ?? missed.NodeId ?? "" })),
    ];

    private static IEnumerable<CountedItem> Of(Guid task, ImagePayload answer) =>
        [Item(SummaryItemKind.Image, task, new() { Url = answer.ImageUrl })];

    /// <summary>The clicks of the take that is shown, of those that are kept one by one, that hit nothing.</summary>
    private static IReadOnlyList<FigmaInteraction> Missed(TaskFold fold) => fold.Figma is { } run
        ? FigmaClick.Missed([.. run.Kept.Where(interaction => interaction.Order.IsAfter(Take.ShownOf(fold).Previous))])
        : [];

    private static CountedItem Item(SummaryItemKind kind, Guid task, SummaryItemData data) => new(SummaryItem.Of(kind, task, data));
}
