using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary><c>DELETE /api/v3/clients/{clientId}</c>: ends a client's secrets and tokens.</summary>
public static class RevokeClient
{
    internal static readonly Operation Description = new("revokeClient", ApiTag.Clients, "Revoke a client")
    {
        Text = "It gets no further token. Those that it has are refused within a minute on all nodes, and its requests that last are "
            + "broken off. It is for good. Takes a token with all workspaces and scopes of the client. A client cannot revoke itself.",
        Replies = [Reply.Ok<ClientRecord>("The client is revoked.")],
        Refusals = [409],
    };

    /// <summary>Revokes it.</summary>
    [WolverineDelete("/api/v3/clients/{clientId}")]
    [Authorize(Scopes.ClientsAdmin)]
    [Audited(AuditKind.Access, "clientId")]
    public static async Task<IResult> Delete(HttpContext http, ClientChanges changes, CancellationToken cancellation)
    {
        var (caller, id) = (Caller.From(http.User), ClientAnswer.IdOf(http));
        if (ClientAnswer.RefusalOf(changes, caller, id) is { } refused)
            return refused;
        if (id == caller.ClientId)
            return Problems.Conflict("A client cannot revoke itself.");

        var change = await changes.RevokeAsync(caller, id, ClientAnswer.ChangerOf(http), cancellation);
        return change.Outcome == ClientChangeOutcome.Done
            ? JsonBody.Of(change.Record!, Json.Of<ClientRecord>())
            : ClientAnswer.Refuse(change.Outcome);
    }
}

/// <summary>What the endpoints of clients share.</summary>
internal static class ClientAnswer
{
    public static string IdOf(HttpContext http) => (string)http.Request.RouteValues["clientId"]!;

    public static ClientChanger ChangerOf(HttpContext http) =>
        new(Caller.From(http.User).ClientId, http.Connection.RemoteIpAddress);

    /// <summary>The refusal of a change of what is in no table; null when it may be there.</summary>
    public static IResult? RefusalOf(ClientChanges changes, Caller caller, string id) =>
        changes.Configured(caller).Any(client => client.ClientId == id)
            ? Problems.Conflict("The client is one of the service's configuration, which alone changes it.")
            : StoredClients.IsId(id) ? null : Problems.NotFound();

    public static IResult Refuse(ClientChangeOutcome outcome) => outcome switch
    {
        ClientChangeOutcome.NotFound => Problems.NotFound(),
        ClientChangeOutcome.Forbidden => Problems.Forbidden("The client has scopes that the token lacks."),
        ClientChangeOutcome.TwoSecrets =>
            Problems.Conflict("The client has two secrets. Say by replaces=older or replaces=newer which one ends now."),
        ClientChangeOutcome.Full => Problems.Conflict(
            $"The account has as many clients as it may: {ClientChanges.MaxOfAccount}, or {ClientChanges.MaxOfAccountWithRevoked} with "
            + $"those that were revoked in the last {ClientChanges.RevokedDays} days."),
        _ => Problems.Conflict("There is another client of this id."),
    };
}
