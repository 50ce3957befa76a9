using ResultsEs.EventStore;

namespace ResultsEs.Media;

/// <summary>The table of highlight reel documents.</summary>
internal static class HighlightReelTable
{
    /// <summary>The table, its columns, its events and its fold.</summary>
    public static readonly DocumentTable<HighlightReel> Documents = new(
        HighlightReel.Alias,
        version: 1,
        HighlightReel.Alias,
        HighlightReelEventTypes.All,
        HighlightReelFold.Fold,
        DocumentColumn<HighlightReel>.Of("workspace_id", document => document.WorkspaceId),
        DocumentColumn<HighlightReel>.Of("test_id", document => document.TestId))
    {
        Noun = "highlight reel",
        Projection = () => new HighlightReelProjection(),
        Indexes = mapping => mapping.AddIndex("tenant_id", "workspace_id", "test_id").Name = "ix_highlight_reel_test",
    };
}
