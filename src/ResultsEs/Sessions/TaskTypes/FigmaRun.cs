namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// The interactions of one FIGMA task, folded. All are counted; the first and the last of them by (atMs, event id) are kept. What lies
/// between these only grows, so the order of arrival does not matter. Owned by the <see cref="SessionDraft"/> of one fold.
/// </summary>
internal sealed class FigmaRun
{
    /// <summary>The most interactions kept at each end, and the most nodes of a path.</summary>
    private const int MaxKept = 1_000;

    /// <summary>The most interactions whose JSON is kept at each end, and the most that an answer lists.</summary>
    private const int MaxListed = 200;

    /// <summary>The most bytes of JSON kept of one interaction. Of a longer one only the members of a click and a node are kept.</summary>
    public const int MaxBytes = 1_024;

    private static readonly JsonTypeInfo<FigmaInteractionRecorded> WithoutTaskId = CreateWithoutTaskId();

    private readonly List<FigmaInteraction> _kept = [];
    private readonly List<Listed> _listed = [];
    private FigmaMiddle? _middle;

    public void Add(EventOrder stamp, FigmaInteractionRecorded interaction)
    {
        if (Insert(_kept, FigmaInteraction.Of(stamp, interaction), MaxKept) is { } between)
            _middle = FigmaMiddle.With(_middle, between);

        // No JSON is made of one that would lie between those that are kept.
        var listed = new Listed(interaction.AtMs, stamp.By, default);
        if (_listed.Count < 2 * MaxListed || PlaceOf(_listed, listed) != MaxListed)
            Insert(_listed, listed with { Json = ToJson(interaction) }, MaxListed);
    }

    /// <summary>What an answer shows: the interactions after <paramref name="previous"/>, the end of the take before it.</summary>
    public FigmaTake Show(EventOrder? previous)
    {
        var mine = _kept.Where(interaction => interaction.Order.IsAfter(previous)).ToList();
        // Of those in the middle only sums are kept. They belong to this take unless the last of them was before it.
        var middle = _middle is { } sums && sums.Last.IsAfter(previous) ? sums : null;
        var nodes = mine.Where(interaction => interaction.NodeId is not null).ToList();
        return new FigmaTake(
            mine.Count + (middle?.Count ?? 0),
            FigmaClick.CountMissed(mine) + (middle?.Missed ?? 0),
            mine.Count == 0 ? null : mine[^1].AtMs - mine[0].AtMs,
            nodes.FirstOrDefault()?.NodeId,
            nodes.LastOrDefault()?.NodeId,
            [.. nodes.Where(node => node.IsChange).Take(MaxKept).Select(node => new FigmaNodeVisit(node.NodeId!, node.AtMs))],
            [.. ListedAfter(previous).Select(listed => listed.Json)]);
    }

    /// <summary>The run as it is stored. Of JSON that the body shows, only the event ids are stored again.</summary>
    public FigmaFold ToDocument(EventOrder? previous, bool shown)
    {
        var inBody = shown ? ListedAfter(previous).ToList() : [];
        return new FigmaFold(_kept, _middle)
        {
            Shown = inBody.Count == 0 ? null : [.. inBody.Select(listed => listed.By)],
            Hidden = inBody.Count == _listed.Count ? null : [.. _listed.Except(inBody)],
        };
    }

    /// <summary>Reads a stored run. The JSON of those that it names as shown comes from the payload.</summary>
    public static FigmaRun FromDocument(FigmaFold fold, JsonElement? payload)
    {
        var run = new FigmaRun { _middle = fold.Middle };
        run._kept.AddRange(fold.Kept);
        run._listed.AddRange(fold.Hidden ?? []);
        if (payload is { } answer && fold.Shown is { } shown)
        {
            run._listed.AddRange(answer.GetProperty("interactions").EnumerateArray()
                .Zip(shown, (json, by) => new Listed(json.GetProperty("atMs").GetInt64(), by, json)));
            run._listed.Sort();
        }

        return run;
    }

    /// <summary>Shows an interaction as an answer lists it, whole however long it is.</summary>
    public static JsonElement Whole(FigmaInteractionRecorded interaction) =>
        JsonSerializer.SerializeToElement(interaction, WithoutTaskId);

    private IEnumerable<Listed> ListedAfter(EventOrder? previous)
    {
        if (previous is null)
            return _listed.Take(MaxListed);

        var mine = _kept.Where(interaction => interaction.Order.IsAfter(previous)).Select(interaction => interaction.Order.By).ToHashSet();
        return _listed.Where(listed => mine.Contains(listed.By)).Take(MaxListed);
    }

    /// <summary>Inserts an item. Returns the one that is no longer among the first or last <paramref name="most"/>, if any.</summary>
    private static T? Insert<T>(List<T> sorted, T item, int most)
        where T : class
    {
        sorted.Insert(PlaceOf(sorted, item), item);
        if (sorted.Count <= 2 * most)
            return null;

        var between = sorted[most];
        sorted.RemoveAt(most);
        return between;
    }

    private static int PlaceOf<T>(List<T> sorted, T item)
    {
        var at = sorted.BinarySearch(item);
        return at < 0 ? ~at : at;
    }

    private static JsonElement ToJson(FigmaInteractionRecorded interaction)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(interaction, WithoutTaskId);
        if (json.Length <= MaxBytes)
            return JsonElement.Parse(json);

        var shortened = interaction with
        {
            NearestScrollingFrameMousePosition = null,
            NearestScrollingFrameOffset = null,
            TargetNodeMousePosition = interaction.TargetNodeMousePosition is { } point
                ? new FigmaVector { X = point.X, Y = point.Y }
                : null,
            StateMappings = null,
            Unknown = new Dictionary<string, JsonElement>(StringComparer.Ordinal) { ["isShortened"] = JsonElement.Parse("true"u8) },
        };
        return JsonSerializer.SerializeToElement(shortened, WithoutTaskId);
    }

    private static JsonTypeInfo<FigmaInteractionRecorded> CreateWithoutTaskId()
    {
        var resolver = Json.Options.TypeInfoResolver!.WithAddedModifier(HideTaskId);
        var options = new JsonSerializerOptions(Json.Options) { TypeInfoResolver = resolver };
        options.MakeReadOnly();
        return (JsonTypeInfo<FigmaInteractionRecorded>)options.GetTypeInfo(typeof(FigmaInteractionRecorded));

        static void HideTaskId(JsonTypeInfo contract)
        {
            if (contract.Type == typeof(FigmaInteractionRecorded))
                contract.Properties.Single(member => member.Name == "taskId").ShouldSerialize = static (_, _) => false;
        }
    }

    /// <summary>An interaction as it is shown; <paramref name="By"/> is its event.</summary>
    internal sealed record Listed(long AtMs, Guid By, JsonElement Json) : IComparable<Listed>
    {
        public int CompareTo(Listed? other) => other is null ? 1 : (AtMs, By).CompareTo((other.AtMs, other.By));
    }
}

/// <summary>What an answer shows of its take's interactions.</summary>
internal sealed record FigmaTake(
    int Count, int Misclicks, long? DurationMs, string? StartNodeId, string? EndNodeId, IReadOnlyList<FigmaNodeVisit> Path,
    IReadOnlyList<JsonElement> Interactions);

/// <summary>A <see cref="FigmaRun"/> as it is stored beside the body.</summary>
internal sealed record FigmaFold(IReadOnlyList<FigmaInteraction> Kept, FigmaMiddle? Middle)
{
    /// <summary>The events of the interactions that the body shows, in their order.</summary>
    public IReadOnlyList<Guid>? Shown { get; init; }

    /// <summary>The interactions that the body does not show, in their order.</summary>
    public IReadOnlyList<FigmaRun.Listed>? Hidden { get; init; }
}
