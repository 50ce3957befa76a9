using ResultsEs.EventStore;

namespace ResultsEs.Media;

/// <summary>The events of highlight reels: wire type, record, validator and fold of each.</summary>
internal static class HighlightReelEventTypes
{
    public static IReadOnlyList<EventType<HighlightReelDraft>> All { get; } =
    [
        Event<HighlightReelPublished>(new HighlightReelPublishedValidator(), HighlightReelFold.Published),
        Event<HighlightReelGenerated>(new HighlightReelGeneratedValidator(), HighlightReelFold.Generated),
        Event<HighlightReelFailed>(new HighlightReelFailedValidator(), HighlightReelFold.Failed),
        Event<HighlightReelDeleted>(new HighlightReelDeletedValidator(), HighlightReelFold.Deleted),
    ];

    private static readonly FrozenDictionary<Type, EventType<HighlightReelDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    public static EventType<HighlightReelDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<HighlightReelDraft, T> Event<T>(IValidator<T> validator, Action<HighlightReelDraft, EventOrder, T> fold)
        where T : HighlightReelEvent =>
        // A reel is of a test, and no participant's.
        new(HighlightReel.Alias, validator, fold, static (e, _) => e);
}
