using ResultsEs.EventStore;

[assembly: JsonContext<ResultsEs.Summaries.SummaryJson>]

namespace ResultsEs.Summaries;

/// <summary>What an item is. The numbers are stored.</summary>
internal enum SummaryItemKind : short
{
    /// <summary>A task as the participant read it. Each row of a task names one, negative where it was skipped.</summary>
    Task = 1,

    /// <summary>An option of a multiple choice, negative where it was not chosen.</summary>
    Option = 2,

    /// <summary>A multiple choice was answered in words of one's own.</summary>
    Other = 3,

    /// <summary>Several options could be chosen.</summary>
    MultiSelect = 4,

    /// <summary>A score of an NPS task.</summary>
    Score = 5,

    /// <summary>A value on its scale.</summary>
    Rating = 6,

    /// <summary>A row of a matrix, where nothing of it was selected.</summary>
    Row = 7,

    /// <summary>A selection in a row of a matrix.</summary>
    Selection = 8,

    /// <summary>An option at a rank.</summary>
    Ranked = 9,

    /// <summary>How a URL or FIGMA task ended.</summary>
    Outcome = 10,

    /// <summary>The pages or nodes that were visited, in order.</summary>
    Path = 11,

    /// <summary>A path that has no item of its own, because it is long or there are many.</summary>
    OtherPath = 12,

    /// <summary>A node on which a click hit nothing.</summary>
    Misclick = 13,

    /// <summary>A prototype of FIGMA.</summary>
    Prototype = 14,

    /// <summary>An image that was annotated.</summary>
    Image = 15,

    /// <summary>An audience.</summary>
    Audience = 16,

    /// <summary>A demographic question with its answer.</summary>
    Demographic = 17,

    /// <summary>The label of a task group.</summary>
    Label = 18,
}

/// <summary>
/// Something of sessions that is counted, such as an option that was chosen: stored once for each task of a test, and named by number in
/// the rows of the sessions that have it. One that no row names any more is deleted, so nothing that was erased is left in it.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Part">The task, or the task group; all zeros for what is of the session.</param>
/// <param name="Json">What it holds: a <see cref="SummaryItemData"/>.</param>
internal sealed record SummaryItem(SummaryItemKind Kind, Guid Part, string Json)
{
    /// <summary>The most characters of a text in an item. A longer one is cut.</summary>
    public const int MaxText = 500;

    /// <summary>The most bytes of a path that has an item of its own.</summary>
    public const int MaxPathBytes = 4_096;

    private const string Empty = "{}";

    /// <summary>A digest of what it is and holds, by which it is found.</summary>
    public Guid Digest { get; } = DigestOf(Kind, Json);

    /// <summary>What is counted instead where its task has as many items as it may; null: it is not counted.</summary>
    public SummaryItem? Fallback => Kind switch
    {
        SummaryItemKind.Task => Of(Kind, Part, new SummaryItemData { Text = "", Type = Data.Type, Position = 0 }),
        SummaryItemKind.Path => new SummaryItem(SummaryItemKind.OtherPath, Part, Empty),
        SummaryItemKind.OtherPath => this,
        SummaryItemKind.Label => Of(Kind, Part, new SummaryItemData { Label = Masking.Text }),
        _ => null,
    };

    private SummaryItemData Data => JsonSerializer.Deserialize(Json, Common.Json.Of<SummaryItemData>())!;

    public static SummaryItem Of(SummaryItemKind kind, Guid part, SummaryItemData data) =>
        new(kind, part, JsonSerializer.Serialize(data, Common.Json.Of<SummaryItemData>()));

    public static SummaryItem Of(SummaryItemKind kind, Guid part) => new(kind, part, Empty);

    /// <summary>A path; a long one has no item of its own.</summary>
    public static SummaryItem OfPath(Guid task, IReadOnlyList<string> path)
    {
        var item = Of(SummaryItemKind.Path, task, new SummaryItemData { Path = path });
        return Encoding.UTF8.GetByteCount(item.Json) <= MaxPathBytes ? item : item.Fallback!;
    }

    /// <summary>A text, cut where it is long; never within a character.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Cut(string? text)
    {
        if (text is null || text.Length <= MaxText)
            return text;

        return text[..(char.IsHighSurrogate(text[MaxText - 1]) ? MaxText - 1 : MaxText)];
    }

    private static Guid DigestOf(SummaryItemKind kind, string json)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{(short)kind} {json}"), digest);
        return new Guid(digest[..16]);
    }
}

/// <summary>What an item holds. Each kind has some of the members.</summary>
internal sealed record SummaryItemData
{
    public string? Id { get; init; }

    public string? Text { get; init; }

    public string? Label { get; init; }

    public string? Type { get; init; }

    public string? RowId { get; init; }

    public string? RowLabel { get; init; }

    public string? Url { get; init; }

    public string? Code { get; init; }

    public IReadOnlyList<string>? Path { get; init; }

    /// <summary>Of a task: its place. Of a ranked option: its rank.</summary>
    public int? Position { get; init; }

    public decimal? Value { get; init; }

    public decimal? Min { get; init; }

    public decimal? Max { get; init; }

    public string? MinLabel { get; init; }

    public string? MaxLabel { get; init; }

    public TaskOutcome? Outcome { get; init; }
}
