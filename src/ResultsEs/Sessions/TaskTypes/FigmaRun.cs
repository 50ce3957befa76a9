namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// The interactions of one FIGMA task, folded: sums, extremes, and lists bounded to the first by (time, event id).
/// Each part commutes, so the order of arrival does not matter. Owned by the <see cref="SessionDraft"/> of one fold.
/// </summary>
internal sealed class FigmaRun
{
    // What a document shows at most; sums are over all interactions.
    private const int MaxInteractions = 200;
    private const int MaxPath = 1_000;

    private const string Press = "MOUSE_PRESS_OR_RELEASE";
    private const string NodeChanged = "PRESENTED_NODE_CHANGED";

    private static readonly JsonTypeInfo<FigmaInteractionRecorded> WithoutTaskId = CreateWithoutTaskId();

    /// <summary>Counts and extremes over all interactions. Its lists are those before the fold.</summary>
    public FigmaFold Sums { get; private set; } = new() { Count = 0, Misclicks = 0, FirstMs = long.MaxValue, LastMs = long.MinValue };

    /// <summary>The visited nodes in order of time.</summary>
    public List<Step> Path { get; } = [];

    /// <summary>The shown interactions in order of time.</summary>
    public List<Held> Interactions { get; } = [];

    public void Add(Guid by, FigmaInteractionRecorded interaction)
    {
        var step = interaction.PresentedNodeId is { } node ? new Step(interaction.AtMs, by, node) : null;
        Sums = Sums with
        {
            Count = Sums.Count + 1,
            Misclicks = interaction is { Kind: Press, Handled: false } ? Sums.Misclicks + 1 : Sums.Misclicks,
            FirstMs = Math.Min(Sums.FirstMs, interaction.AtMs),
            LastMs = Math.Max(Sums.LastMs, interaction.AtMs),
            Start = step is not null && (Sums.Start is null || step.CompareTo(Sums.Start) < 0) ? step : Sums.Start,
            End = step is not null && (Sums.End is null || step.CompareTo(Sums.End) > 0) ? step : Sums.End,
        };
        if (step is not null && interaction.Kind == NodeChanged)
            Insert(Path, step, MaxPath);

        if (Interactions.Count < MaxInteractions || Interactions[^1].CompareTo(interaction.AtMs, by) > 0)
        {
            var json = JsonSerializer.SerializeToElement(interaction, WithoutTaskId);
            Insert(Interactions, new Held(interaction.AtMs, by, json), MaxInteractions);
        }
    }

    /// <summary>The run as it is stored. Of lists that the body shows, only the event ids that order them are stored again.</summary>
    public FigmaFold ToDocument(bool shown) => Sums with
    {
        PathIds = shown ? [.. Path.Select(step => step.By)] : null,
        InteractionIds = shown ? [.. Interactions.Select(held => held.By)] : null,
        Path = shown ? null : Path,
        Interactions = shown ? null : Interactions,
    };

    /// <summary>Reads a stored run. Lists that <see cref="FigmaFold"/> lacks come from the <paramref name="shown"/> payload.</summary>
    public static FigmaRun FromDocument(FigmaFold fold, JsonElement? shown)
    {
        var run = new FigmaRun { Sums = fold };
        if (shown is { } element && fold is { PathIds: { } pathIds, InteractionIds: { } interactionIds })
        {
            var payload = element.Deserialize(Json.Of<FigmaPayload>())!;
            run.Path.AddRange(payload.Path.Zip(pathIds, (visit, by) => new Step(visit.AtMs, by, visit.NodeId)));
            run.Interactions.AddRange(payload.Interactions.Zip(
                interactionIds, (json, by) => new Held(json.GetProperty("atMs").GetInt64(), by, json)));
        }
        else
        {
            run.Path.AddRange(fold.Path ?? []);
            run.Interactions.AddRange(fold.Interactions ?? []);
        }

        return run;
    }

    private static void Insert<T>(List<T> sorted, T item, int bound)
    {
        var at = sorted.BinarySearch(item);
        sorted.Insert(at < 0 ? ~at : at, item);
        if (sorted.Count > bound)
            sorted.RemoveAt(bound);
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

    /// <summary>A node on the screen at a time; <paramref name="By"/> is the event that told it.</summary>
    internal sealed record Step(long AtMs, Guid By, string NodeId) : IComparable<Step>
    {
        public int CompareTo(Step? other) => other is null ? 1 : (AtMs, By).CompareTo((other.AtMs, other.By));
    }

    /// <summary>An interaction as it is shown; <paramref name="By"/> is its event.</summary>
    internal sealed record Held(long AtMs, Guid By, JsonElement Json) : IComparable<Held>
    {
        public int CompareTo(Held? other) => other is null ? 1 : CompareTo(other.AtMs, other.By);

        public int CompareTo(long atMs, Guid by) => (AtMs, By).CompareTo((atMs, by));
    }
}

/// <summary>A <see cref="FigmaRun"/> as it is stored beside the body.</summary>
internal sealed record FigmaFold
{
    public required int Count { get; init; }

    public required int Misclicks { get; init; }

    public required long FirstMs { get; init; }

    public required long LastMs { get; init; }

    public FigmaRun.Step? Start { get; init; }

    public FigmaRun.Step? End { get; init; }

    /// <summary>The events of the path that the body shows, in its order.</summary>
    public IReadOnlyList<Guid>? PathIds { get; init; }

    /// <summary>The events of the interactions that the body shows, in their order.</summary>
    public IReadOnlyList<Guid>? InteractionIds { get; init; }

    /// <summary>The path; null while the body shows it.</summary>
    public IReadOnlyList<FigmaRun.Step>? Path { get; init; }

    /// <summary>The interactions; null while the body shows them.</summary>
    public IReadOnlyList<FigmaRun.Held>? Interactions { get; init; }
}
