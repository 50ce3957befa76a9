using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary><c>GET /api/v3/clients</c>: the clients of the caller's account, of which it reaches all workspaces.</summary>
public static class ListClients
{
    /// <summary>The most clients of a page. One may have 200 workspaces.</summary>
    private const int MaxLimit = 100;

    internal static readonly Operation Description = new("listClients", ApiTag.Clients, "Clients of the account")
    {
        Text = "The clients of the account whose workspaces are all in the token, also those that were revoked in the last 30 days. "
            + "Those of the service's configuration come with the first page; they cannot be changed here.",
        Query =
        [
            new(
                "limit", "How many clients of the database at most.",
                $$"""{ "type": "integer", "format": "int32", "minimum": 1, "maximum": {{MaxLimit}}, "default": {{MaxLimit}} }"""),
            new("after", "The `nextAfter` of the page before.", """{ "type": "string", "maxLength": 100 }"""),
        ],
        Replies = [Reply.Ok<ClientList>("The clients, in the order of their ids.")],
    };

    /// <summary>Sends a page.</summary>
    [WolverineGet("/api/v3/clients")]
    [Authorize(Scopes.ClientsAdmin)]
    public static async Task<IResult> Get(
        HttpContext http, StoredClients stored, ClientChanges changes, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (limit, after) = (parameters.Number("limit", 1, MaxLimit, MaxLimit), parameters.Text("after"));
        if (after is not null && !StoredClients.IsId(after))
            parameters.Refuse("after", "must be the nextAfter of the page before");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var page = await stored.ListAsync(caller.Account, caller.Workspaces, after ?? "", limit + 1, cancellation);
        IEnumerable<ClientRecord> configured = after is null ? changes.Configured(caller) : [];
        var list = new ClientList(
            [.. configured, .. page.Take(limit)], NextAfter: page.Count > limit ? page[limit - 1].ClientId : null);
        return JsonBody.Of(list, Json.Of<ClientList>());
    }
}
