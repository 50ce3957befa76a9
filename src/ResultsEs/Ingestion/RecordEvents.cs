using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>A command to record valid events in one transaction, all or none.</summary>
public sealed class RecordEvents
{
    private readonly Sender _sender;

    internal RecordEvents(Guid account, IReadOnlyList<Guid> workspaces, string client, IReadOnlyList<IncomingEvent> events)
    {
        (Account, Workspaces, Client, Events) = (account, workspaces, client, events);
        _sender = Sender.Of(client, workspaces);
    }

    /// <summary>The sender's account.</summary>
    public Guid Account { get; }

    /// <summary>The sender, as it is stored with each event: a client's id, a virtual host, or an operator.</summary>
    public string Client { get; }

    /// <summary>The workspaces into which the sender may write.</summary>
    public IReadOnlyList<Guid> Workspaces { get; }

    /// <summary>The events, in the request's order.</summary>
    internal IReadOnlyList<IncomingEvent> Events { get; }

    /// <summary>True for what a start sends itself, which is not counted.</summary>
    internal bool IsRehearsal => Account == Caller.Nobody.Account;

    /// <summary>How many bytes the events had as they were sent, for the bound of what waits; 0 where nobody knows.</summary>
    internal long Bytes { get; init; }

    /// <summary>True when the sender drops refused events and sends the others again.</summary>
    internal bool SendsRestAgain { get; init; }

    /// <summary>True when a stream was started, and in none of the sender's workspaces.</summary>
    internal bool IsForeign(IReadOnlyList<Guid> workspaces) => workspaces.Count > 0 && !workspaces.Any(Workspaces.Contains);

    /// <summary>True when one of the events starts a stream.</summary>
    internal bool Starts(Guid stream) =>
        Events.Any(incoming => incoming.StreamId == stream && Placement.WorkspaceOf(incoming.Data) is not null);

    /// <summary>
    /// The sender of an event of a stream. Of very many workspaces it names those alone in which the stream was started, if any.
    /// </summary>
    internal Sender SenderTo(LockedStream stream)
    {
        if (Workspaces.Count <= Sender.MaxWorkspaces)
            return _sender;

        List<Guid> started = [.. stream.Workspaces.Where(Workspaces.Contains)];
        return started.Count == 0 ? _sender : Sender.Of(Client, started);
    }

    /// <summary>The events that a refusal rejects for good: those with problems when the others are sent again, else all.</summary>
    internal IReadOnlyList<IncomingEvent> RejectedBy(IReadOnlyList<EventProblem> problems) =>
        SendsRestAgain ? [.. problems.Select(problem => problem.Index).Distinct().Select(index => Events[index])] : Events;
}

/// <summary>The outcome of <see cref="RecordEvents"/>.</summary>
public abstract record RecordResult
{
    /// <summary>All events are stored, and their documents hold them.</summary>
    /// <param name="Duplicates">For each event of the request, true when it was stored before.</param>
    public sealed record Stored(IReadOnlyList<bool> Duplicates) : RecordResult;

    /// <summary>Nothing is stored.</summary>
    /// <param name="Problems">The problems of the refused events.</param>
    public abstract record Refused(IReadOnlyList<EventProblem> Problems) : RecordResult;

    /// <summary>An id is stored with other content, or a subject is the id of something else.</summary>
    public sealed record Conflicting(IReadOnlyList<EventProblem> Problems) : Refused(Problems);

    /// <summary>A session, a highlight reel or a test is outside the sender's workspaces.</summary>
    public sealed record Forbidden(IReadOnlyList<EventProblem> Problems) : Refused(Problems);

    /// <summary>A session, a highlight reel or a test is as large as it may be.</summary>
    /// <param name="Problems">The problems of the events that are too much.</param>
    /// <param name="IsForGood">False when one has not started, which would make room.</param>
    public sealed record Full(IReadOnlyList<EventProblem> Problems, bool IsForGood) : Refused(Problems);

    /// <summary>Nothing is stored, because other writers hold the sessions or too many events wait. May be sent again.</summary>
    public sealed record Busy : RecordResult;
}

/// <summary>The Wolverine handler of <see cref="RecordEvents"/>, through which the events of every transport pass.</summary>
public static class RecordEventsHandler
{
    /// <summary>Refuses misplaced events and hands the others to the group commit. Finishes whether or not anybody still waits.</summary>
    public static async Task<RecordResult> Handle(RecordEvents command, GroupCommit commit)
    {
        var result = RecordDecision.Misplaced(command) is { Count: > 0 } misplaced ? new RecordResult.Forbidden(misplaced)
            : command.Events.Count == 0 ? new RecordResult.Stored([])
            : await commit.RecordAsync(command);
        if (command.IsRehearsal)
            return result;

        if (result is RecordResult.Stored stored)
            Telemetry.Stored(command.Events, stored.Duplicates);
        else if (result is RecordResult.Refused refused)
            Telemetry.Rejected(command.RejectedBy(refused.Problems));
        return result;
    }
}
