using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary><c>POST /api/v3/clients</c>: adds a client to the caller's account, with rights that the caller has.</summary>
public static class AddClient
{
    internal static readonly Operation Description = new("addClient", ApiTag.Clients, "Add a client")
    {
        Text = "A client of the account, with workspaces and scopes of the token, and the limits of the client that adds it. The secret "
            + "is in this answer alone. A request that is sent again adds another client.",
        Replies = [Reply.Json<ClientWithSecret>(StatusCodes.Status201Created, "The client is added, and can ask for tokens.")],
        Refusals = [400, 409, 413],
    };

    /// <summary>The most bytes of a body: 200 workspaces, and room.</summary>
    private const int MaxBytes = 32 * 1024;

    private const int MaxPath = 100;

    /// <summary>Reads the client, and adds it.</summary>
    [WolverinePost("/api/v3/clients")]
    [Authorize(Scopes.ClientsAdmin)]
    [Audited(AuditKind.Access)]
    public static async Task<IResult> Post(HttpContext http, ClientChanges changes, CancellationToken cancellation)
    {
        var caller = Caller.From(http.User);
        if (await SmallBody.ReadAsync(http.Request, MaxBytes, cancellation) is not { } body)
            return Problems.Of(StatusCodes.Status413PayloadTooLarge, $"The body may have at most {MaxBytes} bytes.");

        NewClient? asked;
        try
        {
            asked = JsonSerializer.Deserialize(body, Json.Of<NewClient>());
        }
        catch (JsonException e)
        {
            var place = Printable.Excerpt(e.Path ?? "$", MaxPath);
            return Problems.BadRequest(
                "The body must be a JSON object of name, workspaces and scopes.",
                new Dictionary<string, string[]>(StringComparer.Ordinal) { [place] = ["is not as the description has it"] });
        }

        if (asked is null || asked.Problems() is { Count: > 0 })
            return Problems.BadRequest("The client is not valid.", asked?.Problems());
        if (asked.Workspaces.Except(caller.Workspaces).Any())
            return Problems.Forbidden("A client gives only what it has: the token does not reach all of the workspaces.");
        if (asked.Scopes.Any(scope => !caller.Has(scope)))
            return Problems.Forbidden("A client gives only what it has: the token lacks some of the scopes.");

        var secret = SecretHash.Generate();
        var (reads, writes) = changes.LimitsOf(caller);
        var client = new ClientRecord
        {
            // It gets one.
            ClientId = "",
            Name = asked.Name,
            Source = ClientSource.Database,
            Account = caller.Account,
            Workspaces = asked.Workspaces,
            Scopes = asked.Scopes,
            ReadsPerMinute = reads,
            WritesPerMinute = writes,
        };
        var change = await changes.AddAsync(client, SecretHash.Of(secret), ClientAnswer.ChangerOf(http), cancellation);
        return change.Outcome == ClientChangeOutcome.Done
            ? JsonBody.Of(new ClientWithSecret(change.Record!, secret), Json.Of<ClientWithSecret>(), StatusCodes.Status201Created)
            : ClientAnswer.Refuse(change.Outcome);
    }
}
