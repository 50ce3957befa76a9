using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Operating;

/// <summary><c>DELETE /api/v3/operations/deadLetters/{letterId}</c>: deletes a message that could not be stored.</summary>
public static class DiscardDeadLetter
{
    internal static readonly Operation Description = new("discardDeadLetter", ApiTag.Operations, "Delete a message for good")
    {
        Text = "Its events are not stored, and the service has them no more.",
        Replies = [Reply.Ok<DeadLetterOutcome>("The letter is deleted.")],
    };

    /// <summary>Deletes the letter.</summary>
    [WolverineDelete("/api/v3/operations/deadLetters/{letterId}")]
    [Audited(AuditKind.Command, "letterId")]
    [Authorize(Scopes.OperationsWrite)]
    public static async Task<IResult> Delete(HttpContext http, DeadLetters letters, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("letterId");
        if (parameters.AreRefused(out var problem))
            return problem;
        if (await letters.FindAsync(Tenant.Of(Caller.From(http.User).Account), id) is null)
            return Problems.NotFound();

        await letters.DiscardAsync(id, cancellation);
        return JsonBody.Of(new DeadLetterOutcome(id, "discarded"), Json.Of<DeadLetterOutcome>());
    }
}
