using JasperFx;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary>The stored document of a highlight reel. Each part comes from the latest event about it.</summary>
internal sealed record HighlightReel : PlacedDocument, ILongVersioned
{
    /// <summary>The name of the document and of the streams that fold into it.</summary>
    public const string Alias = "highlight_reel";

    /// <summary>The reel's id, which is also its stream's.</summary>
    public required Guid Id { get; init; }

    /// <summary>The version of the stream that the stored document holds. A column that Marten reads and writes.</summary>
    [JsonIgnore]
    public long Version { get; set; }

    /// <summary>Null until the reel is published; such a reel reads as 404.</summary>
    public Guid? WorkspaceId { get; init; }

    [JsonIgnore]
    public override Guid? Workspace => WorkspaceId;

    /// <summary>The test whose sessions it shows.</summary>
    public Guid? TestId { get; init; }

    /// <summary>Name, duration and clips; null until they arrive.</summary>
    public ReelCut? Cut { get; init; }

    public Rendering? Rendering { get; init; }

    public EventOrder? Deleted { get; init; }

    /// <summary>True when the reel was published, and not deleted since.</summary>
    public bool IsShown => Cut is not null && Cut.Stamp.IsAfter(Deleted);
}

internal sealed record ReelCut(EventOrder Stamp, string Name, long DurationMs, IReadOnlyList<Guid> ClipIds);

/// <summary>A reel during a fold. One call of <see cref="HighlightReelFold.Fold"/> owns it.</summary>
internal sealed class HighlightReelDraft
{
    public required HighlightReel Reel { get; set; }
}

/// <summary>The fold of a reel's events into its document: pure, total and order-free, as <see cref="SessionResultFold"/>.</summary>
internal static class HighlightReelFold
{
    /// <summary>Folds <paramref name="events"/> into the document. Each of them must be new to it.</summary>
    public static HighlightReel Fold(Guid reelId, HighlightReel? before, IEnumerable<RecordedEvent> events)
    {
        var draft = new HighlightReelDraft { Reel = before ?? new HighlightReel { Id = reelId } };
        foreach (var (stamp, data, _) in events)
            HighlightReelEventTypes.Of(data).Fold(draft, stamp, data);
        return draft.Reel;
    }

    public static void Published(HighlightReelDraft draft, EventOrder stamp, HighlightReelPublished e)
    {
        var cut = new ReelCut(stamp, e.Name, e.DurationMs, e.ClipIds);
        if (stamp.IsAfter(draft.Reel.Cut?.Stamp))
            draft.Reel = draft.Reel with { WorkspaceId = e.WorkspaceId, TestId = e.TestId, Cut = cut };
    }

    public static void Generated(HighlightReelDraft draft, EventOrder stamp, HighlightReelGenerated e) =>
        draft.Reel = draft.Reel with { Rendering = Rendering.Latest(draft.Reel.Rendering, new Rendering(stamp, e.ObjectKey)) };

    public static void Failed(HighlightReelDraft draft, EventOrder stamp, HighlightReelFailed e) =>
        draft.Reel = draft.Reel with { Rendering = Rendering.Latest(draft.Reel.Rendering, new Rendering(stamp, ObjectKey: null)) };

    public static void Deleted(HighlightReelDraft draft, EventOrder stamp, HighlightReelDeleted e)
    {
        if (stamp.IsAfter(draft.Reel.Deleted))
            draft.Reel = draft.Reel with { Deleted = stamp };
    }
}
