using System.Data;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Sessions;

namespace ResultsEs.Ingestion;

/// <summary>Events to record, all or none, in one transaction. They have passed validation.</summary>
public sealed class RecordEvents
{
    internal RecordEvents(Guid account, IReadOnlyList<Guid> workspaces, IReadOnlyList<IncomingEvent> events) =>
        (Account, Workspaces, Events) = (account, workspaces, events);

    /// <summary>The tenant.</summary>
    public Guid Account { get; }

    /// <summary>The workspaces the writer may write into.</summary>
    public IReadOnlyList<Guid> Workspaces { get; }

    /// <summary>The events in the request's order.</summary>
    internal IReadOnlyList<IncomingEvent> Events { get; }
}

/// <summary>What became of a <see cref="RecordEvents"/>.</summary>
public abstract record RecordResult
{
    private RecordResult()
    {
    }

    /// <summary>All events are stored, and in their documents.</summary>
    /// <param name="Duplicates">For each event of the request whether it was known already.</param>
    public sealed record Stored(IReadOnlyList<bool> Duplicates) : RecordResult;

    /// <summary>Nothing is stored: ids are known with other content, or subjects as something else.</summary>
    /// <param name="Problems">The events whose ids or subjects they are.</param>
    public sealed record Conflicting(IReadOnlyList<EventProblem> Problems) : RecordResult;

    /// <summary>Nothing is stored: sessions or highlight reels lie outside the writer's workspaces.</summary>
    /// <param name="Problems">Their events.</param>
    public sealed record Forbidden(IReadOnlyList<EventProblem> Problems) : RecordResult;

    /// <summary>Nothing is stored: other writers were faster each time. To be tried again.</summary>
    public sealed record Busy : RecordResult;
}

/// <summary>Dedupe, fold, append: the only code that appends events.</summary>
public static class RecordEventsHandler
{
    /// <summary>Records the events. Once begun it is done, whether or not anybody still waits.</summary>
    public static async Task<RecordResult> Handle(RecordEvents command, SessionWriter writer)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(writer);
        if (Misplaced(command) is { Count: > 0 } misplaced)
            return new RecordResult.Forbidden(misplaced);

        if (command.Events.Count == 0)
            return new RecordResult.Stored([]);

        return await writer.WriteAsync(command);
    }

    /// <summary>
    /// Records commands of one account in one transaction, in their order; those that are refused leave the others alone.
    /// Two round trips: what is known of the events and their streams, which locks them, and the commit; two more when a long session's document is written (<see cref="LongDocuments"/>).
    /// </summary>
    /// <param name="database">The database.</param>
    /// <param name="connections">Connections to it.</param>
    /// <param name="commands">Commands whose streams nobody else in this process is writing.</param>
    /// <returns>A result for each command.</returns>
    internal static async Task<IReadOnlyList<RecordResult>> RecordAsync(NpgsqlDataSource database, KeptConnections connections, IReadOnlyList<RecordEvents> commands)
    {
        while (true)
        {
            var (results, stale) = await connections.UseAsync(connection => TryRecordAsync(connection, commands), CancellationToken.None);
            if (results is not null)
                return results;

            // Nodes of another version have written them.
            await Refolding.RefoldAsync(database, SessionResultTable.Documents, stale, CancellationToken.None);
            await Refolding.RefoldAsync(database, HighlightReelTable.Documents, stale, CancellationToken.None);
        }
    }

    /// <summary>Results, or the streams whose documents have to be folded first.</summary>
    private static async Task<(IReadOnlyList<RecordResult>? Results, IReadOnlyList<StreamKey> Stale)> TryRecordAsync(NpgsqlConnection connection, IReadOnlyList<RecordEvents> commands)
    {
        var account = Tenant.Of(commands[0].Account);
        try
        {
            var locked = await LockedStreams.FetchAsync(connection, account, [.. commands.SelectMany(command => command.Events)]);
            if (locked.Streams.Values.Where(stream => stream.IsStale).Select(stream => new StreamKey(account, stream.Id)).ToList() is { Count: > 0 } stale)
            {
                await LockedStreams.RollBackAsync(connection);
                return (null, stale);
            }

            var results = commands.Select(command => Record(command, locked.Known, locked.Streams)).ToList();
            await locked.CommitAsync();
            return (results, []);
        }
        catch (Exception) when (connection.State == ConnectionState.Open)
        {
            await LockedStreams.RollBackAsync(connection);
            throw;
        }
    }

    /// <summary>Appends a command's new events, unless something of it is refused. What it appends is known to the commands after it.</summary>
    private static RecordResult Record(
        RecordEvents command, Dictionary<Guid, StoredEvent> known, IReadOnlyDictionary<Guid, TargetStream> streams)
    {
        var foreign = command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => streams[item.incoming.StreamId].Workspace is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => new EventProblem(
                item.index, item.incoming.Id.ToString(), "subject", $"must be a {TargetStream.Kind(item.incoming.Type.IsOfReel)} of the sender's workspaces"))
            .ToList();
        if (foreign.Count > 0)
            return new RecordResult.Forbidden(foreign);

        var added = new Dictionary<Guid, IncomingEvent>();
        var duplicates = new bool[command.Events.Count];
        var conflicts = new List<EventProblem>();
        for (var index = 0; index < duplicates.Length; index++)
        {
            var incoming = command.Events[index];
            if (streams[incoming.StreamId].IsOfReel != incoming.Type.IsOfReel)
            {
                conflicts.Add(new(index, incoming.Id.ToString(), "subject", $"is the id of a {TargetStream.Kind(!incoming.Type.IsOfReel)}"));
                continue;
            }

            duplicates[index] = known.TryGetValue(incoming.Id, out var stored);
            if (!duplicates[index] && !added.TryAdd(incoming.Id, incoming))
                (duplicates[index], stored) = (true, StoredEvent.Of(added[incoming.Id]));
            if (stored is not null && !stored.HasContentOf(incoming))
                conflicts.Add(new(index, incoming.Id.ToString(), "id", "is the id of another event, or of this one with other content; ids are for ever"));
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

    private static List<EventProblem> Misplaced(RecordEvents command) =>
    [
        .. command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => WorkspaceOf(item.incoming.Data) is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => new EventProblem(item.index, item.incoming.Id.ToString(), "data.workspaceId", "must be one of the sender's workspaces")),
    ];

    private static Guid? WorkspaceOf(StreamEvent data) => data switch
    {
        SessionStarted started => started.WorkspaceId,
        HighlightReelPublished published => published.WorkspaceId,
        _ => null,
    };

    /// <summary>Whether another writer was faster: nothing of ours is stored, and the next attempt sees theirs.</summary>
    internal static bool IsConflict(Exception e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => true,
        AggregateException many => many.InnerExceptions.All(IsConflict),
        { InnerException: { } inner } => IsConflict(inner),
        _ => false,
    };
}
