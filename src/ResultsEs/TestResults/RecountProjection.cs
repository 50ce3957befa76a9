using JasperFx.Events;
using Marten;
using Marten.Events.Projections;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>The inline projection that queues sessions for a recount, in the transaction of the events that change their part.</summary>
internal sealed class RecountProjection : IProjection
{
    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        var transaction = AppendTransaction.Of(operations);
        foreach (var account in events.Where(e => Counts(e, transaction)).GroupBy(e => e.TenantId, StringComparer.Ordinal))
        {
            var keys = account.SelectMany(e => KeysOf(e.StreamId, transaction)).Distinct().ToArray();
            operations.QueueSqlCommand(RecountQueue.Written.EnqueueSql, account.Key, keys);
        }

        return Task.CompletedTask;
    }

    private static bool Counts(IEvent e, AppendTransaction? transaction) => e.Data switch
    {
        // Either may change an NPS answer, which counts while the session is complete.
        TaskAnswered or TaskSkipped => transaction is null || MayBeComplete(transaction.Streams[e.StreamId]),
        SessionEvent data => SessionEventTypes.Of(data).CountsInTest,
        _ => false,
    };

    /// <summary>The keys of a session's documents.</summary>
    private static IEnumerable<Guid> KeysOf(Guid session, AppendTransaction? transaction) =>
        transaction?.Streams[session].Workspaces is { Count: > 1 } workspaces
            ? [session, .. workspaces.Select(workspace => Placement.KeyOf(session, workspace))]
            : [session];

    // Of a long session the document is not at hand. One that ends in this transaction is queued for its end.
    private static bool MayBeComplete(LockedStream stream) =>
        stream.Document is { } document && document.Value is not SessionResult { Body.Status: not SessionStatus.Complete };
}
