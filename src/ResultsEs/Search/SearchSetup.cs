using Marten;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Search;

/// <summary>A background service that keeps the texts of sessions.</summary>
internal sealed partial class SearchIndexService(SearchIndexer indexer, ILogger<SearchIndexService> logger) : PollingService(LongestPause)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // The most that texts lag behind in normal operation.
    protected override TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(500);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        try
        {
            await indexer.FollowAsync(stoppingToken);
        }
        catch (FeedNotFilledException)
        {
            // Sessions from before the feed come to it first.
        }
    }

    // No change is lost: each account goes on where it was.
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(4401, LogLevel.Error, "Following the changes for search failed; it goes on where it was")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class SearchSetup
{
    /// <summary>Adds the tables of texts, and what keeps them.</summary>
    public static WebApplicationBuilder AddSearch(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<SearchIndexer>();
        services.AddSingleton(provider =>
            new SetAsideWorker(SearchIndexer.WorkerName, provider.GetRequiredService<SearchIndexer>().RetryAsync));
        services.AddHostedService<SearchIndexService>();
        services.ConfigureMarten(options => options.Storage.Add(new SearchSchema(options.Advanced.Migrator)));
        services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents
                ? SearchTable.RemoveErasedAsync(connection, changed, cancellation)
                : Task.CompletedTask);
        return builder;
    }
}
