using JasperFx.Events.Projections;
using Marten;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>A background service that keeps the totals of tests.</summary>
internal sealed partial class TestTotalsUpdater(TestTotals totals, TimeProvider time, ILogger<TestTotalsUpdater> logger)
    : PollingService(LongestPause)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // Nodes of the version before may count as long as they run.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);

    private long? _looked;

    // The most that totals lag behind in normal operation.
    protected override TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(250);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        await totals.UpdateAsync(stoppingToken);
        if (_looked is { } looked && time.GetElapsedTime(looked) < BetweenLooks)
            return;

        await totals.RecountOfVersionBeforeAsync(stoppingToken);
        _looked = time.GetTimestamp();
    }

    // No session is lost: each stays queued until it is counted or set aside.
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(1201, LogLevel.Error, "Updating the totals of tests failed; the changed sessions stay named and are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class TestTotalsSetup
{
    /// <summary>Adds the definitions of tests, and the tables, the queue and the updater of their totals.</summary>
    public static WebApplicationBuilder AddTestTotals(this WebApplicationBuilder builder)
    {
        builder.Services.AddDocuments(TestDefinitionTable.Documents);
        builder.Services.AddSingleton<TestTotals>();
        builder.Services.AddSingleton(services =>
            new SetAsideWorker(TestTotals.WorkerName, services.GetRequiredService<TestTotals>().RetryAsync));
        builder.Services.AddHostedService<TestTotalsUpdater>();
        builder.Services.ConfigureMarten(options =>
        {
            options.Storage.Add(new TestTotalsSchema(options.Advanced.Migrator));
            options.Projections.Add(new RecountProjection(), ProjectionLifecycle.Inline);
        });
        builder.Services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents
                ? RecountQueue.Written.EnqueueAsync(connection, changed, cancellation)
                : Task.CompletedTask);
        return builder;
    }
}
