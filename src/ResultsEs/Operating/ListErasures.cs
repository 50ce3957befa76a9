using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.Privacy;

namespace ResultsEs.Operating;

/// <summary><c>GET /api/v3/operations/erasures</c>: the account's erasures.</summary>
public static class ListErasures
{
    /// <summary>The most erasures of an answer.</summary>
    internal const int MaxErasures = 100;

    internal static readonly Operation Description = new("listErasures", ApiTag.Operations, "The account's erasures")
    {
        Text = "The last 100 erasures of any client of the account, the latest first, with how far each is.",
        Replies = [Reply.Ok<ErasureList>("The erasures.")],
    };

    /// <summary>Sends the erasures.</summary>
    [WolverineGet("/api/v3/operations/erasures")]
    [Authorize(Scopes.OperationsRead)]
    public static async Task<IResult> Get(HttpContext http, Erasures erasures, CancellationToken cancellation) =>
        JsonBody.Of(
            new ErasureList(await erasures.LatestAsync(Caller.From(http.User).Account, MaxErasures, cancellation)),
            Json.Of<ErasureList>());
}

/// <summary>Erasures.</summary>
internal sealed record ErasureList(IReadOnlyList<Erasure> Erasures);
