using Marten;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Summaries;

/// <summary>Keeps what is counted of sessions.</summary>
internal sealed class SummaryWorker(
    NpgsqlDataSource database, [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, ChangeFeed feed, TimeProvider time,
    ILogger<SummaryWorker> logger)
    : FeedWorker(WorkerName, SummaryTable.Locks, SummaryTable.Progress, database, locks, feed, time, logger)
{
    /// <summary>The name under which sessions are set aside.</summary>
    public const string WorkerName = "summaries";

    protected override Task ReplaceAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<FollowedDocument> documents,
        CancellationToken cancellation) =>
        SummaryTable.ReplaceAsync(
            connection, account, sessions, [.. documents.Select(SummarizedSession.Of).OfType<SummarizedSession>()], cancellation);

    protected override Task DeleteAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation) =>
        SummaryTable.DeleteAsync(connection, account, cancellation);
}

internal static class SummariesSetup
{
    /// <summary>Adds the tables of summaries, and what keeps them.</summary>
    public static WebApplicationBuilder AddSummaries(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddFeedWorker<SummaryWorker>(SummaryWorker.WorkerName);
        services.AddSingleton<SummaryVerification>();
        services.ConfigureMarten(options => options.Storage.Add(new SummarySchema(options.Advanced.Migrator)));
        services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents
                ? SummaryTable.RemoveErasedAsync(connection, changed, cancellation)
                : Task.CompletedTask);
        return builder;
    }
}
