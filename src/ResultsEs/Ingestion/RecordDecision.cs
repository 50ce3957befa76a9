using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Ingestion;

/// <summary>Decides what becomes of a command: pure, but for the streams it is given, to which it adds what is new.</summary>
internal static class RecordDecision
{
    /// <summary>Appends a command's new events, unless something of it is refused. What it appends is known to the commands after it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="known">The account's stored events under the ids of those that came.</param>
    /// <param name="streams">The streams, locked.</param>
    public static RecordResult Decide(RecordEvents command, Dictionary<Guid, StoredEvent> known, IReadOnlyDictionary<Guid, LockedStream> streams)
    {
        var foreign = command.Events
            .Select((incoming, index) => (incoming, index, Stream: streams[incoming.StreamId]))
            .Where(item => item.Stream.Workspace is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => Problem(item.incoming, item.index, "subject", $"must be a {item.Stream.ExpectedNoun} of the sender's workspaces"))
            .ToList();
        if (foreign.Count > 0)
            return new RecordResult.Forbidden(foreign);

        var added = new Dictionary<Guid, IncomingEvent>();
        var duplicates = new bool[command.Events.Count];
        var conflicts = new List<EventProblem>();
        for (var index = 0; index < duplicates.Length; index++)
        {
            var incoming = command.Events[index];
            var stream = streams[incoming.StreamId];
            if (stream.Table.StreamType != incoming.Type.StreamType)
            {
                conflicts.Add(Problem(incoming, index, "subject", $"is the id of a {stream.Table.Noun}"));
                continue;
            }

            duplicates[index] = known.TryGetValue(incoming.Id, out var stored);
            if (!duplicates[index] && !added.TryAdd(incoming.Id, incoming))
                (duplicates[index], stored) = (true, StoredEvent.Of(added[incoming.Id]));
            if (stored is not null && !stored.HasContentOf(incoming))
                conflicts.Add(Problem(incoming, index, "id", "is the id of another event, or of this one with other content; ids are for ever"));
        }

        if (conflicts.Count > 0)
            return new RecordResult.Conflicting(conflicts);

        foreach (var incoming in added.Values)
        {
            streams[incoming.StreamId].Append(incoming);
            known.Add(incoming.Id, StoredEvent.Of(incoming));
        }

        return new RecordResult.Stored(duplicates);
    }

    /// <summary>The events of a command that place a session or a reel outside the sender's workspaces.</summary>
    public static List<EventProblem> Misplaced(RecordEvents command) =>
    [
        .. command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => WorkspaceOf(item.incoming.Data) is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => Problem(item.incoming, item.index, "data.workspaceId", "must be one of the sender's workspaces")),
    ];

    private static EventProblem Problem(IncomingEvent incoming, int index, string path, string message) => new(index, incoming.Id.ToString(), path, message);

    private static Guid? WorkspaceOf(StreamEvent data) => data switch
    {
        SessionStarted started => started.WorkspaceId,
        HighlightReelPublished published => published.WorkspaceId,
        _ => null,
    };
}
