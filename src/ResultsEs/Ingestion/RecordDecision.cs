using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>Decides on a command. Pure, except that accepted events are added to the streams and to the known events.</summary>
internal static class RecordDecision
{
    /// <summary>Appends a command's new events to the locked streams, or refuses it. Later commands see what it appended.</summary>
    public static RecordResult Decide(
        RecordEvents command, Dictionary<Guid, StoredEvent> known, IReadOnlyDictionary<Guid, LockedStream> streams, StreamLimits limits)
    {
        var added = new Dictionary<Guid, IncomingEvent>();
        var duplicates = new bool[command.Events.Count];
        var (foreign, conflicts) = (new List<EventProblem>(), new List<EventProblem>());
        foreach (var (index, incoming) in command.Events.Index())
        {
            var stream = streams[incoming.StreamId];
            if (IsForeign(stream, incoming))
                foreign.Add(Problem(incoming, index, "subject", $"must be a {stream.ExpectedNoun} of the sender's workspaces"));
            if (stream.Table.StreamType != incoming.Type.StreamType)
            {
                conflicts.Add(Problem(incoming, index, "subject", $"is the id of a {stream.Table.Noun}"));
                continue;
            }

            duplicates[index] = known.TryGetValue(incoming.Id, out var stored);
            if (!duplicates[index] && !added.TryAdd(incoming.Id, incoming))
                (duplicates[index], stored) = (true, StoredEvent.Of(added[incoming.Id]));
            if (stored is not null && !stored.HasContentOf(incoming))
                conflicts.Add(Problem(
                    incoming, index, "id", "is the id of another event, or of this one with other content; ids are for ever"));
        }

        if (foreign.Count > 0)
            return new RecordResult.Forbidden(foreign);
        if (conflicts.Count > 0)
            return new RecordResult.Conflicting(conflicts);
        if (Excess(command, added, streams, limits) is { Count: > 0 } excess)
            return new RecordResult.Full(
                excess, IsForGood: command.Events.Select(e => e.StreamId).Distinct().All(id => IsStarted(command, streams[id])));

        foreach (var incoming in added.Values)
        {
            var stream = streams[incoming.StreamId];
            stream.Append(incoming with { Sender = command.SenderTo(stream) });
            known.Add(incoming.Id, StoredEvent.Of(incoming));
        }

        return new RecordResult.Stored(duplicates);

        bool IsForeign(LockedStream stream, IncomingEvent incoming) => command.IsForeign(stream.Workspaces)
            // Whoever starts it in a workspace of its own has it there (docs/decisions/0032).
            && (stream.Table.StreamType != incoming.Type.StreamType || !command.Starts(incoming.StreamId));
    }

    /// <summary>
    /// Finds the documents that may have more room than it seems, because the size of what they lack is an estimate. They have to take it
    /// in before a decision.
    /// </summary>
    public static IEnumerable<LockedStream> Unsure(
        IReadOnlyList<IncomingEvent> incoming, Dictionary<Guid, StoredEvent> known, IReadOnlyDictionary<Guid, LockedStream> streams,
        StreamLimits limits)
    {
        var lagging = streams.Values.Where(stream => stream.Document is { Lag: > 0 }).ToList();
        if (lagging.Count == 0)
            return [];

        var fresh = incoming.Where(e => !known.ContainsKey(e.Id)).ToLookup(e => e.StreamId);
        return lagging.Where(stream =>
        {
            var (size, tasks) = (stream.Size, new HashSet<Guid>());
            foreach (var one in fresh[stream.Key.Id])
                size += one.GrowthIn(tasks);
            return limits.IsFullDocument(size) && size.Bytes <= limits.MaxBytes;
        });
    }

    /// <summary>Problems of the events that are too much for their streams. An event that was stored before is none.</summary>
    private static List<EventProblem> Excess(
        RecordEvents command, Dictionary<Guid, IncomingEvent> added, IReadOnlyDictionary<Guid, LockedStream> streams, StreamLimits limits)
    {
        var rooms = new Dictionary<Guid, StreamRoom>();
        var excess = new List<EventProblem>();
        foreach (var (index, incoming) in command.Events.Index())
        {
            if (!added.TryGetValue(incoming.Id, out var one) || !ReferenceEquals(one, incoming))
                continue;

            if (!rooms.TryGetValue(incoming.StreamId, out var room))
                rooms.Add(incoming.StreamId, room = Room(streams[incoming.StreamId]));
            if (room.ProblemOf(incoming) is { } problem)
                excess.Add(Problem(incoming, index, "subject", problem));
        }

        return excess;

        StreamRoom Room(LockedStream stream) => stream.RoomWithin(IsStarted(command, stream) ? limits : limits.UntilStarted());
    }

    private static bool IsStarted(RecordEvents command, LockedStream stream) =>
        stream.Workspaces.Count > 0 || command.Starts(stream.Key.Id);

    /// <summary>Problems of the events that place a session, a highlight reel or a test outside the sender's workspaces.</summary>
    public static List<EventProblem> Misplaced(RecordEvents command) =>
    [
        .. command.Events.Index()
            .Where(item => Placement.WorkspaceOf(item.Item.Data) is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => Problem(item.Item, item.Index, "data.workspaceId", "must be one of the sender's workspaces")),
    ];

    private static EventProblem Problem(IncomingEvent incoming, int index, string path, string message) =>
        new(index, incoming.Id.ToString(), path, message);
}
