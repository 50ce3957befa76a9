using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Search;

/// <summary>Keeps the texts of sessions.</summary>
internal sealed class SearchIndexer(
    NpgsqlDataSource database, [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, ChangeFeed feed, TimeProvider time,
    ILogger<SearchIndexer> logger)
    : FeedWorker(WorkerName, SearchTable.Locks, SearchTable.Progress, database, locks, feed, time, logger)
{
    /// <summary>The name under which sessions are set aside.</summary>
    public const string WorkerName = "search";

    protected override async Task ReplaceAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<FollowedDocument> documents,
        CancellationToken cancellation)
    {
        var searched = new List<SearchedDocument>();
        foreach (var (key, document, _) in documents)
        {
            if (document.Body is not { WorkspaceId: { } workspace, TestId: { } test })
                continue;

            var transcript = document.Fold.Transcribed is { } transcribed
                ? await TranscriptAsync(connection, account, transcribed.By, cancellation)
                : null;
            var texts = SearchText.Of(document, transcript).Where(text => !text.IsEmpty).ToList();
            searched.Add(new SearchedDocument(key, document.Id, workspace, test, texts));
        }

        await SearchTable.ReplaceAsync(connection, account, sessions, searched, cancellation);
    }

    protected override Task DeleteAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation) =>
        SearchTable.DeleteAsync(connection, account, cancellation);

    private static async Task<SessionTranscribed?> TranscriptAsync(
        NpgsqlConnection connection, string account, Guid id, CancellationToken cancellation) =>
        await StreamLog.DataAsync(connection, account, id, cancellation) is { } json
            ? JsonSerializer.Deserialize(json, Json.Of<SessionTranscribed>())
            : null;
}
