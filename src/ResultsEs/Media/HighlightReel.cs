using System.Text.Json.Serialization;
using JasperFx;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary>The stored document of a highlight reel: each part is the latest that was told of it.</summary>
internal sealed record HighlightReel : ILongVersioned
{
    /// <summary>The name of the document and of the streams that fold into it.</summary>
    public const string Alias = "highlight_reel";

    /// <summary>The reel, and its stream.</summary>
    public required Guid Id { get; init; }

    /// <summary>The version of the stream that a stored document holds. A column, which Marten reads and writes.</summary>
    [JsonIgnore]
    public long Version { get; set; }

    /// <summary>Null until the reel is published; such a reel reads as 404.</summary>
    public Guid? WorkspaceId { get; init; }

    /// <summary>The test whose sessions it shows.</summary>
    public Guid? TestId { get; init; }

    /// <summary>What it is; absent until that is known.</summary>
    public ReelCut? Cut { get; init; }

    /// <summary>What came of making its file.</summary>
    public Rendering? Rendering { get; init; }

    /// <summary>When it was deleted.</summary>
    public EventOrder? Deleted { get; init; }

    /// <summary>Whether there is such a reel.</summary>
    public bool IsShown => Cut is not null && Cut.Stamp.IsAfter(Deleted);
}

/// <summary>What a reel is.</summary>
internal sealed record ReelCut(EventOrder Stamp, string Name, long DurationMs, IReadOnlyList<Guid> ClipIds);

/// <summary>A reel while a fold works on it; owned by one call of <see cref="HighlightReelFold.Fold"/>.</summary>
internal sealed class HighlightReelDraft
{
    public required HighlightReel Reel { get; set; }
}

/// <summary>How events make a reel's document: pure, total and free of order, as <see cref="SessionResultFold"/>.</summary>
internal static class HighlightReelFold
{
    /// <summary>The document after <paramref name="events"/>, each of which must be new to it.</summary>
    public static HighlightReel Fold(Guid reelId, HighlightReel? before, IEnumerable<RecordedEvent> events)
    {
        var draft = new HighlightReelDraft { Reel = before ?? new HighlightReel { Id = reelId } };
        foreach (var (stamp, data) in events)
            HighlightReelEventTypes.Of(data).Fold(draft, stamp, data);
        return draft.Reel;
    }

    public static void Published(HighlightReelDraft draft, EventOrder stamp, HighlightReelPublished e)
    {
        if (stamp.IsAfter(draft.Reel.Cut?.Stamp))
            draft.Reel = draft.Reel with { WorkspaceId = e.WorkspaceId, TestId = e.TestId, Cut = new ReelCut(stamp, e.Name, e.DurationMs, e.ClipIds) };
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

/// <summary>The inline projection of highlight reels: <see cref="HighlightReelFold"/>, in the transaction of the events.</summary>
internal sealed class HighlightReelProjection() : DocumentProjection<HighlightReel>(HighlightReelTable.Documents);
