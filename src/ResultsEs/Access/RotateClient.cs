using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary><c>POST /api/v3/clients/{clientId}/secret</c>: gives a client a new secret beside its present one.</summary>
public static class RotateClient
{
    /// <summary>The longest time for which the old secret stays right, in hours.</summary>
    internal const int MaxOldHours = 720;

    internal const int DefaultOldHours = 24;

    internal static readonly Operation Description = new("rotateClient", ApiTag.Clients, "Give a client a new secret")
    {
        Text = "The secret of before stays right until `oldSecretUntil`, so that nothing has to change at one moment. The new one is in "
            + "this answer alone. A client has at most two: while both are right, `replaces` says which one the new secret replaces. "
            + "Takes a token with all workspaces and scopes of the client.",
        Query =
        [
            new(
                "oldHours",
                "How many hours the secret of before stays right; 0 ends all of before now, which a client cannot do to itself.",
                $$"""
                { "type": "integer", "format": "int32", "minimum": 0, "maximum": {{MaxOldHours}}, "default": {{DefaultOldHours}} }
                """),
            new(
                "replaces",
                "Of two secrets that are right: `older` ends now, and `newer` stays for the hours; or `newer` ends now, and `older` when "
                + "it would have.",
                QueryParameter.OneOf(Replaced)),
        ],
        Replies = [Reply.Ok<ClientWithSecret>("The new secret is right.")],
        Refusals = [409],
    };

    private static string[] Replaced => ["older", "newer"];

    /// <summary>Makes the secret.</summary>
    [WolverinePost("/api/v3/clients/{clientId}/secret")]
    [Authorize(Scopes.ClientsAdmin)]
    [Audited(AuditKind.Access, "clientId")]
    public static async Task<IResult> Post(HttpContext http, ClientChanges changes, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var hours = parameters.Number("oldHours", 0, MaxOldHours, DefaultOldHours);
        ReplacedSecret? replaced = parameters.Word("replaces", Replaced) switch
        {
            null => null,
            "older" => ReplacedSecret.Older,
            _ => ReplacedSecret.Newer,
        };
        if (parameters.AreRefused(out var problem))
            return problem;

        var (caller, id) = (Caller.From(http.User), ClientAnswer.IdOf(http));
        if (ClientAnswer.RefusalOf(changes, caller, id) is { } refused)
            return refused;
        if (id == caller.ClientId && hours == 0)
            return Problems.Conflict("A client cannot end its own secret at once: if this answer were lost, it would be locked out.");

        var secret = SecretHash.Generate();
        var change = await changes.RotateAsync(
            caller, id, SecretHash.Of(secret), TimeSpan.FromHours(hours), replaced, ClientAnswer.ChangerOf(http), cancellation);
        return change.Outcome == ClientChangeOutcome.Done
            ? JsonBody.Of(new ClientWithSecret(change.Record!, secret), Json.Of<ClientWithSecret>())
            : ClientAnswer.Refuse(change.Outcome);
    }
}
