using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Exports;

/// <summary>
/// Makes exports in the background, on one node at a time: a part of one, then a part of another account's. A part is stored with its
/// files, all or nothing, so whoever goes on after a kill makes at most one part again.
/// </summary>
internal sealed partial class ExportWorker(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, ExportQueue queue, TableExports exports,
    ILogger<ExportWorker> logger)
    : PollingService(TimeSpan.FromMinutes(1))
{
    /// <summary>The name of the lock that whoever makes exports holds.</summary>
    internal const string LockName = "results.exports";

    private const int PartSessions = 100_000;

    private static readonly Counter<long> Ended = Instruments.Meter.CreateCounter<long>(
        "results.exports", "{export}", "Exports that were made in the background, by how they ended");

    protected override TimeSpan Interval { get; } = TimeSpan.FromSeconds(1);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        if (!await queue.IsWorkAsync(stoppingToken))
            return;

        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is null)
            return;

        await queue.CleanAsync(stoppingToken);
        while (await queue.NextAsync(stoppingToken) is { } export)
        {
            try
            {
                await MakePartAsync(held.Connection, export, stoppingToken);
            }
            catch (Exception e) when (ReasonOf(e) is { } reason)
            {
                await queue.FailAsync(export.Id, reason, stoppingToken);
                LogFailed(logger, export.Id, e);
                Ended.Add(1, KeyValuePair.Create<string, object?>("results.export.outcome", "failed"));
            }
        }

        await queue.CleanAsync(stoppingToken);
    }

    protected override void LogFailure(Exception failure) => LogBrokenOff(logger, failure);

    /// <summary>Why an export cannot be made; null when it can be tried again.</summary>
    private static string? ReasonOf(Exception failure) => failure switch
    {
        ChangesGoneException => "What went since the cursor is no longer known. Export without since, in the place of what you have.",
        TooWideException or ExportTooLargeException => failure.Message,
        FeedNotFilledException => null,
        _ => TakenApart.IsItemsOwn(failure) ? $"The service failed ({failure.GetType().Name}); its log says more." : null,
    };

    private async Task MakePartAsync(NpgsqlConnection held, UnfinishedExport export, CancellationToken cancellation)
    {
        if (await queue.ExcessAsync(export.Ask.Scope.Tenant, cancellation) is { } excess)
            throw new ExportTooLargeException(excess);
        if (export.Until is null)
            export = await BeginAsync(export, cancellation);

        var (ask, part) = (export.Ask, export.Part + 1);
        var making = new List<(ExportFile File, ChunkWriter Chunks, TableFile Table)>();
        await using var tables = await TablesAsync(export, making, cancellation);
        var (place, isLast) = (export.Place, true);
        await foreach (var reached in exports.WalkAsync(ask.Scope, export.Range, export.Place, tables, cancellation))
        {
            place = reached;
            if (tables.Files.Sum(file => file.Bytes) < queue.PartBytes && tables.Sessions < PartSessions)
                continue;

            isLast = false;
            break;
        }

        await tables.EndAsync(cancellation);
        var files = new List<ExportFile>();
        foreach (var (file, chunks, table) in making)
        {
            // The first part has a file for each table, so that its columns are known.
            if (part > 1 && table.Rows == 0)
                continue;

            await chunks.EndAsync(cancellation);
            files.Add(file with { Rows = table.Rows, Bytes = table.Bytes, Sha256 = table.Sha256 });
        }

        if (await ExportQueue.AddPartAsync(held, export, files, place, tables.Sessions, tables.Problems, isLast, cancellation) && isLast)
            Ended.Add(1, KeyValuePair.Create<string, object?>("results.export.outcome", "done"));
    }

    private async Task<UnfinishedExport> BeginAsync(UnfinishedExport export, CancellationToken cancellation)
    {
        var scope = export.Ask.Scope;
        await queue.AfterErasuresAsync(scope.Tenant, cancellation);
        var range = await exports.BeginAsync(scope, export.Range.Since, cancellation);
        var plan = export.Ask.Format == ExportFormat.WideCsv ? await exports.PlanAsync(scope, cancellation) : null;
        var total = range.Since is null ? await exports.CountAsync(scope, cancellation) : 0;
        await queue.BeginAsync(export.Id, range.Until, total, plan, cancellation);
        return export with { Until = range.Until, Plan = plan };
    }

    private async Task<TableSet> TablesAsync(
        UnfinishedExport export, List<(ExportFile File, ChunkWriter Chunks, TableFile Table)> making, CancellationToken cancellation)
    {
        foreach (var name in export.Ask.Tables)
        {
            var id = await queue.Database.NewIdAsync(cancellation);
            var chunks = new ChunkWriter(queue.Database, export.Id, id);
            var columns = name == TableSet.Wide ? export.Plan!.Columns : Tables.Of(name).Columns;
            var table = await TableFile.CreateAsync(
                name, columns, export.Ask.Format, export.Ask.WithMark, chunks.WriteAsync, cancellation);
            var file = string.Create(
                CultureInfo.InvariantCulture, $"{name}-{export.Part + 1:00000}.{ExportFormats.Extension(export.Ask.Format)}");
            making.Add((new ExportFile(id, file, name, 0, 0, "", null), chunks, table));
        }

        return new TableSet([.. making.Select(one => one.Table)], export.Plan);
    }

    [LoggerMessage(4504, LogLevel.Error, "Export {Export} failed, and is not tried again")]
    private static partial void LogFailed(ILogger logger, Guid export, Exception exception);

    [LoggerMessage(4505, LogLevel.Error, "Exports are broken off; they are tried again")]
    private static partial void LogBrokenOff(ILogger logger, Exception exception);
}

/// <summary>The files of exports take more than they may.</summary>
internal sealed class ExportTooLargeException(string message) : Exception(message);
