using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Exports;

/// <summary>
/// The walk of an export over its sessions, page by page: all of them by their keys, or those that changed, by the feed. Each session
/// comes once. After a page it says how far it is, and can go on from there.
/// </summary>
internal sealed class ExportWalk(SessionSource source, SessionEvents events, ChangeFeed feed)
{
    private const int ChangesAtOnce = 200;

    /// <summary>Begins a range: up to this moment, since a cursor if there is one.</summary>
    /// <exception cref="ChangesGoneException">Removals behind the cursor are kept no longer.</exception>
    public async Task<ExportRange> BeginAsync(ExportScope scope, ChangeCursor? since, CancellationToken cancellation)
    {
        if (since is { } cursor)
            _ = await feed.ReadAsync(QueryOf(scope), cursor, limit: 1, cancellation);
        return new ExportRange(since, await feed.EndAsync(cancellation));
    }

    /// <summary>
    /// Adds sessions to the tables, and lets <paramref name="flush"/> write after each page, where nothing of the database is held.
    /// </summary>
    public async IAsyncEnumerable<ExportPlace> WalkAsync(
        ExportScope scope, ExportRange range, ExportPlace from, TableSet tables, Func<CancellationToken, Task> flush,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var places = range.Since is { } since
            ? ChangedAsync(
                scope, since with { Position = Math.Max(since.Position, from.Position) }, range.Until, tables, flush, cancellation)
            : AllAsync(scope, from.Key, tables, flush, cancellation);
        await foreach (var place in places)
            yield return place;
    }

    /// <summary>The keys of the next page.</summary>
    public static List<Guid> PageOf(List<Guid> keys, int at) => keys.GetRange(at, Math.Min(SessionSource.PageSessions, keys.Count - at));

    private static ChangeQuery QueryOf(ExportScope scope) => new(scope.Tenant, scope.Workspaces, scope.TestId);

    private async IAsyncEnumerable<ExportPlace> AllAsync(
        ExportScope scope, Guid after, TableSet tables, Func<CancellationToken, Task> flush,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await source.KeysAsync(scope, after, cancellation) is { Count: > 0 } keys)
        {
            for (var at = 0; at < keys.Count;)
            {
                at += await AddAsync(scope, PageOf(keys, at), tables, isFull: true, _ => true, flush, cancellation);
                after = keys[at - 1];
                yield return new ExportPlace(after, 0);
            }
        }
    }

    private async IAsyncEnumerable<ExportPlace> ChangedAsync(
        ExportScope scope, ChangeCursor after, long until, TableSet tables, Func<CancellationToken, Task> flush,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (after.Position < until)
        {
            var page = await feed.ReadAsync(QueryOf(scope), after, ChangesAtOnce, cancellation);
            var changes = page.Changes.Where(change => change.Position <= until).ToList();
            foreach (var change in changes)
                tables.Add(change);
            // A document has the session's id for its key, or one made of that and the workspace.
            var upserted = new Dictionary<(Guid Session, Guid Workspace), Guid>();
            foreach (var change in changes.Where(change => change.Kind == ChangeKind.Upserted))
                upserted[(change.SessionId, change.WorkspaceId)] = change.TestId;
            List<Guid> keys =
            [
                .. upserted.Keys.SelectMany(key => (Guid[])[key.Session, Placement.KeyOf(key.Session, key.Workspace)]).Distinct().Order(),
            ];
            for (var at = 0; at < keys.Count;)
                at += await AddAsync(
                    scope, PageOf(keys, at), tables, isFull: false,
                    session => upserted.TryGetValue((session.SessionId, session.WorkspaceId), out var test) && test == session.TestId,
                    flush, cancellation);
            after = page.Cursor with { Position = Math.Min(page.Next, until) };
            if (page.IsAtEnd)
                after = after with { Position = until };
            await flush(cancellation);
            yield return new ExportPlace(default, after.Position);
        }
    }

    private async Task<int> AddAsync(
        ExportScope scope, IReadOnlyList<Guid> keys, TableSet tables, bool isFull, Func<UnreadSession, bool> isMeant,
        Func<CancellationToken, Task> flush, CancellationToken cancellation)
    {
        var more = new List<SessionToFollow>();
        var done = await source.ReadAsync(
            scope,
            keys,
            isMeant,
            session => tables.Add(session, isFull, more),
            session => tables.AddProblem(session, isFull),
            cancellation);
        await flush(cancellation);
        foreach (var session in more)
            await events.AddAsync(tables, scope.Tenant, session, flush, cancellation);
        return done;
    }
}
