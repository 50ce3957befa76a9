using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Privacy;

/// <summary><c>DELETE /api/v2/sessions/{sessionId}</c>: erases what one session holds of its participant.</summary>
public static class EraseSession
{
    internal static readonly Operation Description = new("eraseSession", ApiTag.Privacy, "Erase a session")
    {
        Text = "Masks what the session holds of its participant, and whatever arrives later for it. Numbers, ids and times stay.",
        Query = [ErasureAnswer.ReasonParameter],
        Replies = ErasureAnswer.Replies,
    };

    internal static readonly DocumentQuery Query = new(SessionResultTable.Documents, "true");

    /// <summary>Records the erasure and does it, for as long as a caller should wait.</summary>
    [WolverineDelete("/api/v2/sessions/{sessionId}")]
    [Authorize(Scopes.PrivacyWrite)]
    [Audited(AuditKind.Erasure, "sessionId")]
    public static async Task<IResult> Delete(
        HttpContext http, ReadDatabase database, Erasures erasures, ErasureWork work, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (session, reason) = (parameters.Id("sessionId"), ErasureAnswer.Reason(parameters));
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var key = new StreamKey(Tenant.Of(caller.Account), session);
        return await database.ReadDocumentAsync(Query, key, caller.Workspaces, _ => true, cancellation, onPrimary: true)
            ? await ErasureAnswer.EraseAsync(erasures, work, caller, ErasureKind.Session, session, reason, cancellation)
            : Problems.NotFound();
    }
}
