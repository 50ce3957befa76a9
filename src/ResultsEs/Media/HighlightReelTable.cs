using NpgsqlTypes;
using ResultsEs.EventStore;

namespace ResultsEs.Media;

/// <summary>Where the documents of highlight reels are stored.</summary>
internal static class HighlightReelTable
{
    /// <summary>The table, its columns and its fold.</summary>
    public static readonly DocumentTable Documents = DocumentTable.Of<HighlightReel>(
        HighlightReel.Alias,
        version: 1,
        HighlightReel.Alias,
        HighlightReelFold.Fold,
        ("workspace_id", NpgsqlDbType.Uuid, document => document.WorkspaceId),
        ("test_id", NpgsqlDbType.Uuid, document => document.TestId));
}
