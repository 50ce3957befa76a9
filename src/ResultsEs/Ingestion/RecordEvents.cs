using System.Text.Json;
using JasperFx;
using JasperFx.Events;
using Marten;
using Npgsql;
using ResultsEs.Contracts;
using ResultsEs.SessionResults;

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

    /// <summary>Nothing is stored: ids are known with other content.</summary>
    /// <param name="Problems">The events whose ids they are.</param>
    public sealed record Conflicting(IReadOnlyList<EventProblem> Problems) : RecordResult;

    /// <summary>Nothing is stored: sessions lie outside the writer's workspaces.</summary>
    /// <param name="Problems">The events of those sessions.</param>
    public sealed record Forbidden(IReadOnlyList<EventProblem> Problems) : RecordResult;

    /// <summary>Nothing is stored: other writers were faster each time. To be tried again.</summary>
    public sealed record Busy : RecordResult;
}

/// <summary>
/// Dedupe, fold, append: the only code that appends events. One writer per session in this process; a conflict with
/// another node is tried again under the streams' row locks, so it cannot repeat for ever.
/// </summary>
public static partial class RecordEventsHandler
{
    // The first attempt is optimistic, the others lock. A locked attempt fails only while streams are being created or
    // ids being stored by other nodes, and each such failure is one of those, done.
    private const int MaxAttempts = 12;

    /// <summary>Records the events.</summary>
    public static async Task<RecordResult> Handle(
        RecordEvents command, IDocumentStore store, SessionGate gate, ILogger<RecordEvents> logger, CancellationToken cancellation)
    {
        if (Misplaced(command) is { Count: > 0 } misplaced)
            return new RecordResult.Forbidden(misplaced);

        var first = new Dictionary<Guid, IncomingEvent>();
        var contradictions = command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => !first.TryAdd(item.incoming.Id, item.incoming) && !SameContent(first[item.incoming.Id], item.incoming))
            .Select(item => Conflict(item.index, item.incoming.Id))
            .ToList();
        if (contradictions.Count > 0)
            return new RecordResult.Conflicting(contradictions);

        // In one order everywhere, so that neither gates nor row locks can wait in a circle.
        Guid[] sessions = [.. command.Events.Select(incoming => incoming.SessionId).Distinct().Order()];
        using var turn = await gate.EnterAsync(command.Account, sessions, cancellation);
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            try
            {
                return await AttemptAsync(command, sessions, store, exclusive: attempt > 1, cancellation);
            }
            catch (Exception e) when (IsConflict(e))
            {
                LogConflict(logger, e, attempt, sessions.Length, command.Account);
                await Task.Delay(Random.Shared.Next(5, 10 * attempt), cancellation);
            }
        }

        return new RecordResult.Busy();
    }

    private static async Task<RecordResult> AttemptAsync(
        RecordEvents command, Guid[] sessions, IDocumentStore store, bool exclusive, CancellationToken cancellation)
    {
        await using var session = store.LightweightSession(Tenant.Of(command.Account));
        var (known, streams) = await FetchAsync(session, command, sessions, exclusive, cancellation);

        var foreign = command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => streams[item.incoming.SessionId].Aggregate?.Body.WorkspaceId is { } workspace && !command.Workspaces.Contains(workspace))
            .Select(item => new EventProblem(item.index, item.incoming.Id.ToString(), "subject", "must be a session of the token's workspaces"))
            .ToList();
        if (foreign.Count > 0)
            return new RecordResult.Forbidden(foreign);

        var conflicts = command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => known.TryGetValue(item.incoming.Id, out var stored) && !SameContent(stored, item.incoming))
            .Select(item => Conflict(item.index, item.incoming.Id))
            .ToList();
        if (conflicts.Count > 0)
            return new RecordResult.Conflicting(conflicts);

        var seen = known.Keys.ToHashSet();
        var duplicates = new bool[command.Events.Count];
        for (var i = 0; i < duplicates.Length; i++)
        {
            var incoming = command.Events[i];
            duplicates[i] = !seen.Add(incoming.Id);
            if (!duplicates[i])
                streams[incoming.SessionId].AppendOne(StoredEvent.Envelope(incoming));
        }

        await session.SaveChangesAsync(cancellation);
        return new RecordResult.Stored(duplicates);
    }

    /// <summary>What is known of the events and their sessions: one round trip, and under row locks one more for each session.</summary>
    private static async Task<(Dictionary<Guid, StoredEvent> Known, Dictionary<Guid, IEventStream<SessionResult>> Streams)> FetchAsync(
        IDocumentSession session, RecordEvents command, Guid[] sessions, bool exclusive, CancellationToken cancellation)
    {
        var streams = new Dictionary<Guid, IEventStream<SessionResult>>(sessions.Length);
        if (exclusive)
        {
            foreach (var id in sessions)
                streams.Add(id, await session.Events.FetchForExclusiveWriting<SessionResult>(id, cancellation));
        }

        var batch = session.CreateBatchQuery();
        var known = batch.AddItem(new StoredEventsById([.. command.Events.Select(incoming => incoming.Id)], command.Account));
        var fetches = exclusive ? [] : sessions.Select(id => batch.Events.FetchForWriting<SessionResult>(id)).ToList();
        await batch.Execute(cancellation);
        foreach (var fetch in fetches)
        {
            var stream = await fetch;
            streams.Add(stream.Id, stream);
        }

        return (await known, streams);
    }

    private static List<EventProblem> Misplaced(RecordEvents command) =>
    [
        .. command.Events
            .Select((incoming, index) => (incoming, index))
            .Where(item => item.incoming.Data is SessionStarted started && !command.Workspaces.Contains(started.WorkspaceId))
            .Select(item => new EventProblem(item.index, item.incoming.Id.ToString(), "data.workspaceId", "must be one of the token's workspaces")),
    ];

    private static EventProblem Conflict(int index, Guid id) =>
        new(index, id.ToString(), "id", "is the id of another event, or of this one with other content; ids are for ever");

    private static bool SameContent(IncomingEvent one, IncomingEvent other) =>
        ReferenceEquals(one, other) || SameContent(new StoredEvent(one.Id, one.SessionId, one.Type.WireType, one.Time, Content(one)), other);

    private static bool SameContent(StoredEvent stored, IncomingEvent incoming) =>
        stored.SessionId == incoming.SessionId
        && stored.WireType == incoming.Type.WireType
        && stored.Time == incoming.Time
        && JsonElement.DeepEquals(stored.Data, Content(incoming));

    private static JsonElement Content(IncomingEvent incoming) => JsonSerializer.SerializeToElement(incoming.Data, incoming.Type.JsonType);

    /// <summary>Whether another writer was faster: nothing of ours is stored, and the next attempt sees theirs.</summary>
    private static bool IsConflict(Exception e) => e switch
    {
        ConcurrencyException or Marten.Exceptions.ExistingStreamIdCollisionException or JasperFx.Events.ExistingStreamIdCollisionException => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => true,
        AggregateException many => many.InnerExceptions.All(IsConflict),
        { InnerException: { } inner } => IsConflict(inner),
        _ => false,
    };

    [LoggerMessage(101, LogLevel.Debug, "Attempt {Attempt} to write {Sessions} session(s) of account {Account} met another writer")]
    private static partial void LogConflict(ILogger logger, Exception exception, int attempt, int sessions, Guid account);
}
