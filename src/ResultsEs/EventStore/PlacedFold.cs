namespace ResultsEs.EventStore;

/// <summary>
/// The fold of a stream into its documents, one for each workspace in which it was started. An event counts in a workspace when its
/// sender could write there. Pure and free of order, as the fold of a document is that it is made of.
/// </summary>
internal sealed class PlacedFold<T>(Func<Guid, T?, IEnumerable<RecordedEvent>, T> fold)
    where T : PlacedDocument
{
    /// <summary>True when these events change where earlier ones count, so that all have to be folded again.</summary>
    public static bool NeedsAll(T? before, IReadOnlyCollection<RecordedEvent> events)
    {
        if (before is null)
            return false;
        if (before.Placement?.Elsewhere is not null)
            return true;

        var started = StartedIn(events);
        return before.Workspace is { } held
            ? started.Exists(workspace => workspace != held)
            : started.Count > 1 || started.Exists(workspace => !IsOpenTo(before, workspace));
    }

    /// <summary>Folds events into the document with the stream's id. Each must be new to it.</summary>
    public T Next(Guid id, T? before, IReadOnlyCollection<RecordedEvent> events)
    {
        if (before is null)
            return (T)All(id, events)[0].Document;

        if ((before.Workspace ?? StartedIn(events).Cast<Guid?>().FirstOrDefault()) is { } workspace)
            return Placed(fold(id, before, CountedIn(workspace, events)), before.Placement is { Elsewhere: not null } held ? held : null);

        return Placed(fold(id, before, events), OpenTo(before.Placement?.OpenTo, events));
    }

    /// <summary>Folds all events of a stream. The first document has the stream's id for its key.</summary>
    public IReadOnlyList<(Guid? Workspace, PlacedDocument Document)> All(Guid id, IReadOnlyCollection<RecordedEvent> events)
    {
        var workspaces = WorkspacesOf(events);
        if (workspaces.Count == 0)
            return [(null, Placed(fold(id, null, events), OpenTo(null, events)))];

        var placement = workspaces.Count > 1 ? new Placement(null, [.. workspaces.Skip(1)]) : null;
        return
        [
            (workspaces[0], Placed(fold(id, null, CountedIn(workspaces[0], events)), placement)),
            .. workspaces.Skip(1).Select(workspace => ((Guid?)workspace, Other(id, CountedIn(workspace, events)))),
        ];
    }

    /// <summary>The document of a stream that does not have its id for the key.</summary>
    public PlacedDocument Other(Guid id, IEnumerable<RecordedEvent> events) =>
        (PlacedDocument)fold(id, null, events) with { StreamId = id };

    /// <summary>
    /// The workspaces in which the stream is, in order. It left one when a later start names another, and its sender could write into
    /// both: so the stream moves.
    /// </summary>
    private static List<Guid> WorkspacesOf(IReadOnlyCollection<RecordedEvent> events)
    {
        var starts = events.Where(e => Placement.WorkspaceOf(e.Data) is not null)
            .Select(e => (Workspace: Placement.WorkspaceOf(e.Data)!.Value, e.Stamp, e.Sender)).ToList();
        var latest = starts.GroupBy(start => start.Workspace).Select(all => all.MaxBy(start => start.Stamp.Key)).ToList();
        return
        [
            .. latest.Where(start => !WasLeft(start.Workspace, start.Stamp)).Select(start => start.Workspace).Order(),
        ];

        bool WasLeft(Guid workspace, EventOrder last)
        {
            var digest = Sender.DigestOf(workspace);
            return starts.Exists(other =>
                other.Workspace != workspace && other.Stamp.IsAfter(last) && other.Sender.MayWrite(digest));
        }
    }

    /// <summary>The events that count in a workspace: those of its writers, without starts elsewhere.</summary>
    private static IEnumerable<RecordedEvent> CountedIn(Guid workspace, IEnumerable<RecordedEvent> events)
    {
        var digest = Sender.DigestOf(workspace);
        return events.Where(e =>
            e.Sender.MayWrite(digest) && (Placement.WorkspaceOf(e.Data) is not { } named || named == workspace));
    }

    private static List<Guid> StartedIn(IEnumerable<RecordedEvent> events) =>
        [.. events.Select(e => Placement.WorkspaceOf(e.Data)).OfType<Guid>().Distinct()];

    private static bool IsOpenTo(T document, Guid workspace) =>
        document.Placement?.OpenTo is not { } open || new Sender(open).MayWrite(Sender.DigestOf(workspace));

    private static Placement? OpenTo(string? before, IEnumerable<RecordedEvent> events) =>
        events.Aggregate(before, (open, e) => e.Sender.Common(open)) is { } common ? new Placement(common, null) : null;

    private static T Placed(T document, Placement? placement) =>
        document.Placement == placement ? document : (T)((PlacedDocument)document with { Placement = placement });
}
