namespace ResultsEs.EventStore;

/// <summary>Does again what shared workers have set aside, when an operator asks for it.</summary>
public sealed class SetAsideRetry
{
    private readonly IReadOnlyList<SetAsideWorker> _workers;
    private readonly NpgsqlDataSource _database;
    private readonly ILogger<SetAsideRetry> _logger;

    internal SetAsideRetry(IEnumerable<SetAsideWorker> workers, NpgsqlDataSource database, ILogger<SetAsideRetry> logger) =>
        (_workers, _database, _logger) = ([.. workers], database, logger);

    /// <summary>
    /// Does a worker's work on an item again. Null: it succeeded, and the item is set aside no longer. Else why it stays; a failure
    /// is its new reason. What is not the item's own fault is thrown.
    /// </summary>
    internal async Task<string?> RunAsync(SetAsideItem item, CancellationToken cancellation)
    {
        if (_workers.FirstOrDefault(worker => worker.Name == item.Worker) is not { } worker)
            return "stays: this version has no such worker";

        try
        {
            await worker.RetryAsync(item.Stream, cancellation);
            await SetAside.RemoveAsync(_database, worker.Name, [item.Stream], cancellation);
            return null;
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            await SetAside.AddAsync(_database, _logger, worker.Name, item.Stream, e, cancellation);
            return $"fails again: {SetAside.ReasonOf(e)}";
        }
    }
}
