using System.Text.Json;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// All interactions of one FIGMA task, folded: sums, extremes, and lists bounded to the first by (time, event id).
/// Each part commutes, so the order of arrival leaves no trace. Owned by the <see cref="SessionDraft"/> of one fold.
/// </summary>
internal sealed class FigmaRun
{
    /// <summary>How many interactions a document shows; the counts are over all of them.</summary>
    public const int MaxInteractions = 200;

    /// <summary>How many visited nodes a document shows.</summary>
    public const int MaxPath = 1_000;

    private const string Press = "MOUSE_PRESS_OR_RELEASE";
    private const string NodeChanged = "PRESENTED_NODE_CHANGED";

    public int Count { get; private set; }

    public int Misclicks { get; private set; }

    public long FirstMs { get; private set; } = long.MaxValue;

    public long LastMs { get; private set; } = long.MinValue;

    public Step? Start { get; private set; }

    public Step? End { get; private set; }

    /// <summary>The visited nodes in order of time.</summary>
    public List<Step> Path { get; } = [];

    /// <summary>The held interactions in order of time.</summary>
    public List<Held> Interactions { get; } = [];

    public void Add(Guid by, FigmaInteractionRecorded interaction)
    {
        Count++;
        if (interaction is { Kind: Press, Handled: false })
            Misclicks++;

        FirstMs = Math.Min(FirstMs, interaction.AtMs);
        LastMs = Math.Max(LastMs, interaction.AtMs);

        if (interaction.PresentedNodeId is { } node)
        {
            var step = new Step(interaction.AtMs, by, node);
            Start = Start is null || step.CompareTo(Start) < 0 ? step : Start;
            End = End is null || step.CompareTo(End) > 0 ? step : End;
            if (interaction.Kind == NodeChanged)
                Insert(Path, step, MaxPath);
        }

        if (Interactions.Count < MaxInteractions || Interactions[^1].CompareTo(interaction.AtMs, by) > 0)
            Insert(Interactions, new Held(interaction.AtMs, by, Show(interaction)), MaxInteractions);
    }

    /// <summary>The run as it is stored. What the task already shows is left out, but for the ids that order it.</summary>
    public FigmaFold ToDocument(bool shown) => new()
    {
        Count = Count,
        Misclicks = Misclicks,
        FirstMs = FirstMs,
        LastMs = LastMs,
        Start = Start,
        End = End,
        PathIds = shown ? [.. Path.Select(step => step.By)] : null,
        InteractionIds = shown ? [.. Interactions.Select(held => held.By)] : null,
        Path = shown ? null : Path,
        Interactions = shown ? null : Interactions,
    };

    /// <summary>The run as it was when it was stored.</summary>
    public static FigmaRun FromDocument(FigmaFold fold, JsonElement? shown)
    {
        var run = new FigmaRun
        {
            Count = fold.Count,
            Misclicks = fold.Misclicks,
            FirstMs = fold.FirstMs,
            LastMs = fold.LastMs,
            Start = fold.Start,
            End = fold.End,
        };
        if (shown is { } element && fold is { PathIds: { } pathIds, InteractionIds: { } interactionIds })
        {
            var payload = element.Deserialize(Json.Of<FigmaPayload>())!;
            run.Path.AddRange(payload.Path.Zip(pathIds, (visit, by) => new Step(visit.AtMs, by, visit.NodeId)));
            run.Interactions.AddRange(payload.Interactions.Zip(interactionIds, (json, by) => new Held(json.GetProperty("atMs").GetInt64(), by, json)));
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

    private static JsonElement Show(FigmaInteractionRecorded e) => JsonSerializer.SerializeToElement(
        new FigmaInteraction
        {
            AtMs = e.AtMs,
            Kind = e.Kind,
            PresentedNodeId = e.PresentedNodeId,
            Handled = e.Handled,
            TargetNodeId = e.TargetNodeId,
            TargetNodeMousePosition = e.TargetNodeMousePosition,
            NearestScrollingFrameId = e.NearestScrollingFrameId,
            NearestScrollingFrameMousePosition = e.NearestScrollingFrameMousePosition,
            NearestScrollingFrameOffset = e.NearestScrollingFrameOffset,
            IsStoredInHistory = e.IsStoredInHistory,
            StateMappings = e.StateMappings,
            Unknown = e.Unknown,
        },
        Json.Of<FigmaInteraction>());

    /// <summary>A node on the screen at a time; <paramref name="By"/> is the event that told it.</summary>
    internal sealed record Step(long AtMs, Guid By, string NodeId) : IComparable<Step>
    {
        public int CompareTo(Step? other) => other is null ? 1 : (AtMs, By).CompareTo((other.AtMs, other.By));
    }

    /// <summary>An interaction as it is shown, with the event that told it.</summary>
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

    /// <summary>The events behind the shown path, in its order.</summary>
    public IReadOnlyList<Guid>? PathIds { get; init; }

    /// <summary>The events behind the shown interactions, in their order.</summary>
    public IReadOnlyList<Guid>? InteractionIds { get; init; }

    /// <summary>The path, while the task does not show it.</summary>
    public IReadOnlyList<FigmaRun.Step>? Path { get; init; }

    /// <summary>The interactions, while the task does not show them.</summary>
    public IReadOnlyList<FigmaRun.Held>? Interactions { get; init; }
}
