using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Operating;

/// <summary><c>POST /api/v3/operations/deadLetters/{letterId}/replay</c>: records a message again.</summary>
public static class ReplayDeadLetter
{
    internal static readonly Operation Description = new("replayDeadLetter", ApiTag.Operations, "Record a message again")
    {
        Text = "Its events are recorded as if it came from its queue now. When all are stored, the letter is deleted; else it stays, and "
            + "the problem says why. Events that were stored before are duplicates.",
        Replies = [Reply.Ok<DeadLetterOutcome>("The events are stored, and the letter is deleted.")],
        Refusals = [409],
    };

    /// <summary>Records the events of the letter.</summary>
    [WolverinePost("/api/v3/operations/deadLetters/{letterId}/replay")]
    [Audited(AuditKind.Command, "letterId")]
    [Authorize(Scopes.OperationsWrite)]
    public static async Task<IResult> Post(HttpContext http, DeadLetters letters, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("letterId");
        if (parameters.AreRefused(out var problem))
            return problem;
        if (await letters.FindAsync(Tenant.Of(Caller.From(http.User).Account), id) is not { } letter)
            return Problems.NotFound();
        if (await letters.ReplayAsync(letter) is { } reason)
            return Problems.Conflict(reason);

        // When the process ends in between, another replay finds duplicates.
        await letters.DiscardAsync(id, cancellation);
        return JsonBody.Of(new DeadLetterOutcome(id, "stored"), Json.Of<DeadLetterOutcome>());
    }
}

/// <summary>What became of a dead letter.</summary>
/// <param name="LetterId">The letter, which is no more.</param>
/// <param name="Outcome"><c>stored</c> or <c>discarded</c>.</param>
internal sealed record DeadLetterOutcome(Guid LetterId, string Outcome);
