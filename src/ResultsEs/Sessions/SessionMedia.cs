using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>The recording of a session and its clips, a part of the session's document.</summary>
internal sealed record SessionMedia
{
    /// <summary>The greatest number of clips in a document. Beyond it, clips with the smallest ids are kept.</summary>
    public const int MaxClips = 1_000;

    public Video? Video { get; init; }

    /// <summary>Ordered by id. Includes deleted clips, and clips of which only a rendering has arrived.</summary>
    public IReadOnlyList<Clip> Clips { get; init; } = [];

    /// <summary>The clips that responses show, in the order of the recording.</summary>
    public IEnumerable<Clip> Shown() => Clips.Where(clip => clip.IsShown)
        .OrderBy(clip => clip.Cut!.TimeStartMs).ThenBy(clip => clip.Cut!.TimeEndMs).ThenBy(clip => clip.Id);
}

/// <summary>The latest recording of a session.</summary>
internal sealed record Video(EventOrder Stamp, Guid Id, string ObjectKey, VideoRegions? Regions);

/// <summary>A clip of a recording. Each part comes from the latest event about it.</summary>
internal sealed record Clip(Guid Id)
{
    /// <summary>Name, times and layout; null until they arrive.</summary>
    public ClipCut? Cut { get; init; }

    public Rendering? Rendering { get; init; }

    public EventOrder? Deleted { get; init; }

    /// <summary>True when the clip was cut, and not deleted since.</summary>
    public bool IsShown => Cut is not null && Cut.Stamp.IsAfter(Deleted);
}

/// <summary>The name, times (milliseconds since the session's start) and layout of a clip.</summary>
internal sealed record ClipCut(
    EventOrder Stamp, string Name, string? Description, long TimeStartMs, long TimeEndMs, Guid VideoId, bool HasAudio, bool HasCamera,
    ClipLayout? Layout);

/// <summary>The fold of media events into a session: pure, total and order-free, as <see cref="SessionResultFold"/>.</summary>
internal static class SessionMediaFold
{
    public static void Recorded(SessionDraft draft, EventOrder stamp, VideoRecorded e)
    {
        var media = draft.Fold.Media ?? new SessionMedia();
        if (stamp.IsAfter(media.Video?.Stamp))
            draft.Fold = draft.Fold with { Media = media with { Video = new Video(stamp, e.VideoId, e.ObjectKey, e.Regions) } };
    }

    public static void Cut(SessionDraft draft, EventOrder stamp, ClipCreated e)
    {
        var cut = new ClipCut(stamp, e.Name, e.Description, e.TimeStartMs, e.TimeEndMs, e.VideoId, e.HasAudio, e.HasCamera, e.Layout);
        Change(draft, e, clip => stamp.IsAfter(clip.Cut?.Stamp) ? clip with { Cut = cut } : clip);
    }

    public static void Generated(SessionDraft draft, EventOrder stamp, ClipGenerated e) =>
        Change(draft, e, clip => clip with { Rendering = Rendering.Latest(clip.Rendering, new Rendering(stamp, FileOf(e))) });

    public static void Failed(SessionDraft draft, EventOrder stamp, ClipFailed e) =>
        Change(draft, e, clip => clip with { Rendering = Rendering.Latest(clip.Rendering, new Rendering(stamp, ObjectKey: null)) });

    public static void Deleted(SessionDraft draft, EventOrder stamp, ClipDeleted e) =>
        Change(draft, e, clip => stamp.IsAfter(clip.Deleted) ? clip with { Deleted = stamp } : clip);

    // The file of an erased session is gone.
    private static string? FileOf(ClipGenerated e) => e.ObjectKey == Masking.Text ? null : e.ObjectKey;

    private static void Change(SessionDraft draft, ClipEvent e, Func<Clip, Clip> change)
    {
        var media = draft.Fold.Media ?? new SessionMedia();
        var clips = media.Clips.ToDictionary(clip => clip.Id);
        clips[e.ClipId] = change(clips.GetValueOrDefault(e.ClipId) ?? new Clip(e.ClipId));
        // Ids never change, so the clips that are kept do not depend on the order of events.
        var kept = clips.Values.OrderBy(clip => clip.Id).Take(SessionMedia.MaxClips);
        draft.Fold = draft.Fold with { Media = media with { Clips = [.. kept] } };
    }
}
