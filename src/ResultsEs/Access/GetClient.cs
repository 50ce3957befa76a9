using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary><c>GET /api/v3/clients/{clientId}</c>: one client of the caller's account.</summary>
public static class GetClient
{
    internal static readonly Operation Description = new("getClient", ApiTag.Clients, "A client")
    {
        Text = "A client of the account whose workspaces are all in the token, also one that was revoked in the last 30 days.",
        Replies = [Reply.Ok<ClientRecord>("The client, without its secrets.")],
    };

    /// <summary>Sends the client.</summary>
    [WolverineGet("/api/v3/clients/{clientId}")]
    [Authorize(Scopes.ClientsAdmin)]
    public static async Task<IResult> Get(
        HttpContext http, StoredClients stored, ClientChanges changes, CancellationToken cancellation)
    {
        var (caller, id) = (Caller.From(http.User), ClientAnswer.IdOf(http));
        var client = changes.Configured(caller).FirstOrDefault(one => one.ClientId == id)
            ?? (StoredClients.IsId(id) ? await stored.FindAsync(caller, id, cancellation) : null);
        return client is null ? Problems.NotFound() : JsonBody.Of(client, Json.Of<ClientRecord>());
    }
}
