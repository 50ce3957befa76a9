using JasperFx.Events;
using Marten;
using Marten.Events.Projections;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>
/// The inline projection that notes changed sessions in the feed: one statement for all of a commit, after that of their documents.
/// </summary>
internal sealed class ChangeProjection : IProjection
{
    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        var transaction = AppendTransaction.Of(operations);
        foreach (var account in events.Where(e => e.Data is SessionEvent).GroupBy(e => e.TenantId, StringComparer.Ordinal))
        {
            var mayMove = account.ToLookup(e => MayMove(e, transaction), e => e.StreamId);
            Guid[] moving = [.. mayMove[true].Distinct()];
            Guid[] others = [.. mayMove[false].Distinct().Except(moving)];
            // Of the type of the documents, because Marten orders statements by type.
            if (others.Length > 0)
                operations.QueueOperation(new StatementOperation(typeof(SessionResult), () => ChangeTable.Note(account.Key, others)));
            if (moving.Length > 0)
                operations.QueueOperation(new StatementOperation(
                    typeof(SessionResult), () => ChangeTable.Follow([.. moving.Select(id => new StreamKey(account.Key, id))])));
        }

        return Task.CompletedTask;
    }

    /// <summary>True unless the event leaves a session where it is. A stream in several workspaces has other documents, too.</summary>
    private static bool MayMove(IEvent e, AppendTransaction? transaction) =>
        transaction?.Streams[e.StreamId] is not { } stream
        || stream.Workspaces.Count > 1
        || (e.Data is SessionStarted && stream.Version > 0);
}
