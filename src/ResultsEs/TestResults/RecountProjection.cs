using JasperFx.Events;
using Marten;
using Marten.Events.Projections;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>The inline projection that queues sessions for a recount, in the transaction of the events that change their part.</summary>
internal sealed class RecountProjection : IProjection
{
    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        foreach (var account in events.Where(Counts).GroupBy(e => e.TenantId, StringComparer.Ordinal))
            operations.QueueSqlCommand(RecountQueue.Written.EnqueueSql, account.Key, account.Select(e => e.StreamId).Distinct().ToArray());
        return Task.CompletedTask;
    }

    private static bool Counts(IEvent e) => e.Data is SessionEvent data && SessionEventTypes.Of(data).CountsInTest;
}
