using ResultsEs.EventStore;

namespace ResultsEs.Media;

internal static class HighlightReelTable
{
    public static readonly DocumentTable<HighlightReel> Documents = new(
        HighlightReel.Alias,
        version: 1,
        HighlightReelEventTypes.All,
        HighlightReelFold.Fold,
        DocumentColumn.Of("workspace_id", (HighlightReel document) => document.WorkspaceId),
        DocumentColumn.Of("test_id", (HighlightReel document) => document.TestId),
        DocumentColumn.Of("published_at", (HighlightReel document) => document.Cut!.Stamp.At),
        DocumentColumn.Of(DocumentTable.Stream, (HighlightReel document) => document.StreamId))
    {
        Noun = "highlight reel",
        Indexes = mapping =>
            mapping.AddIndex("tenant_id", "workspace_id", "test_id", "published_at").Name = "ix_highlight_reel_published",
    };
}
