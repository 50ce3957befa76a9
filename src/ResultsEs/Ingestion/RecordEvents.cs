using System.Data;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;

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

    /// <summary>Whether the sender takes out what is refused and sends the rest again.</summary>
    internal bool SendsRestAgain { get; init; }

    /// <summary>The events that a refusal rejects for good.</summary>
    internal IReadOnlyList<IncomingEvent> RejectedBy(IReadOnlyList<EventProblem> problems) =>
        SendsRestAgain ? [.. problems.Select(problem => problem.Index).Distinct().Select(index => Events[index])] : Events;
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

/// <summary>The Wolverine handler of <see cref="RecordEvents"/>: every transport's events pass here.</summary>
public static class RecordEventsHandler
{
    /// <summary>Refuses what no stored event can make right, and hands the rest to the group commit. Once begun it is done, whether or not anybody still waits.</summary>
    public static async Task<RecordResult> Handle(RecordEvents command, GroupCommit commit)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(commit);
        var result = RecordDecision.Misplaced(command) is { Count: > 0 } misplaced ? new RecordResult.Forbidden(misplaced)
            : command.Events.Count == 0 ? new RecordResult.Stored([])
            : await commit.RecordAsync(command);
        switch (result)
        {
            case RecordResult.Stored stored:
                Telemetry.Stored(command.Events, stored.Duplicates);
                break;
            case RecordResult.Conflicting { Problems: var problems }:
                Telemetry.Rejected(command.RejectedBy(problems));
                break;
            case RecordResult.Forbidden { Problems: var problems }:
                Telemetry.Rejected(command.RejectedBy(problems));
                break;
        }

        return result;
    }
}
