using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Media;

namespace ResultsEs.Privacy;

/// <summary>Goes on with erasures that are not done, on one node at a time: after a kill, for later sessions, and for files.</summary>
internal sealed partial class ErasureWorker(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, Erasures erasures, ErasureWork work, ObjectStore files,
    ILogger<ErasureWorker> logger)
    : PollingService(LongestPause)
{
    private const string LockName = "results.erasures";

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    protected override TimeSpan Interval { get; } = TimeSpan.FromSeconds(2);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        var unfinished = await erasures.UnfinishedAsync(files.IsConfigured, stoppingToken);
        if (unfinished.Count == 0)
            return;

        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is null)
            return;

        var failed = 0;
        foreach (var erasure in unfinished)
            failed += await work.RunAsync(erasure, ProgressReport.Silent, stoppingToken);
        await work.DeleteFilesAsync(stoppingToken);
        if (failed > 0)
            throw new InvalidOperationException($"{failed} sessions are set aside.");
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(3602, LogLevel.Error, "Erasures are not done; they are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class PrivacySetup
{
    /// <summary>Adds erasures, retention, and the services that go on with them.</summary>
    public static WebApplicationBuilder AddPrivacy(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Erasures>();
        builder.Services.AddSingleton(services => new ErasureWork(
            services.GetRequiredService<NpgsqlDataSource>(),
            services.GetRequiredService<StreamErasure>(),
            services.GetRequiredService<ErasedLetters>(),
            services.GetRequiredService<ObjectStore>(),
            services.GetRequiredService<ILogger<ErasureWork>>()));
        builder.Services.AddSingleton(services => new ParticipantReader(
            services.GetRequiredService<NpgsqlDataSource>(), services.GetRequiredService<ErasedLetters>()));
        builder.Services.AddSingleton(services =>
            new SetAsideWorker(ErasureWork.WorkerName, services.GetRequiredService<ErasureWork>().MaskAsync));
        builder.Services.AddHostedService<ErasureWorker>();
        builder.Services.AddSettings<RetentionOptions>(
            builder.Configuration.GetSection(RetentionOptions.Section), RetentionOptions.Problems);
        builder.Services.AddSingleton<Retention>();
        builder.Services.AddHostedService<RetentionService>();
        return builder;
    }
}
