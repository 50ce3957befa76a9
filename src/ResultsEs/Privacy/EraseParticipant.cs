using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Privacy;

/// <summary><c>DELETE /api/v2/participants/{participantId}</c>: erases a participant in all sessions of the account.</summary>
public static class EraseParticipant
{
    internal static readonly Operation Description = new("eraseParticipant", ApiTag.Privacy, "Erase a participant")
    {
        Text = "Masks what the participant's sessions hold of them, in every workspace of the account, and whatever arrives later. "
            + "403 when the participant has sessions in workspaces that the token lacks: nothing is erased then. Numbers, ids and "
            + "times stay. Asked again, it goes on.",
        Query = [ErasureAnswer.ReasonParameter],
        Replies = ErasureAnswer.Replies,
    };

    /// <summary>Records the erasure and does it, for as long as a caller should wait.</summary>
    [WolverineDelete("/api/v2/participants/{participantId}")]
    [Authorize(Scopes.PrivacyWrite)]
    // Without the participant: the audit outlives the erasure, whose record has the pseudonym.
    [Audited(AuditKind.Erasure)]
    public static async Task<IResult> Delete(HttpContext http, Erasures erasures, ErasureWork work, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (participant, reason) = (parameters.Id("participantId"), ErasureAnswer.Reason(parameters));
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (await erasures.ElsewhereAsync(caller, participant, cancellation) is > 0 and var elsewhere)
            return ErasureAnswer.Elsewhere(elsewhere);

        return await ErasureAnswer.EraseAsync(erasures, work, caller, ErasureKind.Participant, participant, reason, cancellation);
    }
}
