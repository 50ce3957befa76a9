using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions;

/// <summary>A session's recording and its clips, part of the session's document.</summary>
internal sealed record SessionMedia
{
    /// <summary>How many clips a session has at most. Of more, those with the smallest ids are kept.</summary>
    public const int MaxClips = 1_000;

    /// <summary>The recording that holds.</summary>
    public Video? Video { get; init; }

    /// <summary>Ordered by id; also of clips that are deleted, or of which only a rendering is known.</summary>
    public IReadOnlyList<Clip> Clips { get; init; } = [];

    /// <summary>The clips that there are, in the order of the recording.</summary>
    public IEnumerable<Clip> Shown() =>
        Clips.Where(clip => clip.IsShown).OrderBy(clip => clip.Cut!.TimeStartMs).ThenBy(clip => clip.Cut!.TimeEndMs).ThenBy(clip => clip.Id);
}

/// <summary>A recording.</summary>
internal sealed record Video(EventOrder Stamp, Guid Id, string ObjectKey, VideoRegions? Regions);

/// <summary>A clip: each part is the latest that was told of it.</summary>
internal sealed record Clip(Guid Id)
{
    /// <summary>What it is; absent until that is known.</summary>
    public ClipCut? Cut { get; init; }

    /// <summary>What came of making its file.</summary>
    public Rendering? Rendering { get; init; }

    /// <summary>When it was deleted.</summary>
    public EventOrder? Deleted { get; init; }

    /// <summary>Whether there is such a clip.</summary>
    public bool IsShown => Cut is not null && Cut.Stamp.IsAfter(Deleted);
}

/// <summary>What a clip is.</summary>
internal sealed record ClipCut(
    EventOrder Stamp, string Name, string? Description, long TimeStartMs, long TimeEndMs, Guid VideoId, bool HasAudio, bool HasCamera, ClipLayout? Layout);

/// <summary>How media events fold into a session: pure, total and free of order, as <see cref="SessionResultFold"/>.</summary>
internal static class SessionMediaFold
{
    public static void Recorded(SessionDraft draft, EventOrder stamp, VideoRecorded e)
    {
        var media = draft.Media ?? new SessionMedia();
        if (stamp.IsAfter(media.Video?.Stamp))
            draft.Media = media with { Video = new Video(stamp, e.VideoId, e.ObjectKey, e.Regions) };
    }

    public static void Cut(SessionDraft draft, EventOrder stamp, ClipCreated e) => Change(draft, e, clip => stamp.IsAfter(clip.Cut?.Stamp)
        ? clip with { Cut = new ClipCut(stamp, e.Name, e.Description, e.TimeStartMs, e.TimeEndMs, e.VideoId, e.HasAudio, e.HasCamera, e.Layout) }
        : clip);

    public static void Generated(SessionDraft draft, EventOrder stamp, ClipGenerated e) =>
        Change(draft, e, clip => clip with { Rendering = Rendering.Latest(clip.Rendering, new Rendering(stamp, e.ObjectKey)) });

    public static void Failed(SessionDraft draft, EventOrder stamp, ClipFailed e) =>
        Change(draft, e, clip => clip with { Rendering = Rendering.Latest(clip.Rendering, new Rendering(stamp, ObjectKey: null)) });

    public static void Deleted(SessionDraft draft, EventOrder stamp, ClipDeleted e) =>
        Change(draft, e, clip => stamp.IsAfter(clip.Deleted) ? clip with { Deleted = stamp } : clip);

    /// <summary>Ids never change, so which of too many clips are kept does not depend on the order of events.</summary>
    private static void Change(SessionDraft draft, ClipEvent e, Func<Clip, Clip> change)
    {
        var media = draft.Media ?? new SessionMedia();
        var clips = media.Clips.ToDictionary(clip => clip.Id);
        clips[e.ClipId] = change(clips.GetValueOrDefault(e.ClipId) ?? new Clip(e.ClipId));
        draft.Media = media with { Clips = [.. clips.Values.OrderBy(clip => clip.Id).Take(SessionMedia.MaxClips)] };
    }
}
