using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Privacy;

/// <summary><c>GET /api/v2/erasures/{erasureId}</c>: how far an erasure is.</summary>
public static class GetErasure
{
    internal static readonly Operation Description = new("getErasure", ApiTag.Privacy, "An erasure's progress")
    {
        Text = "An erasure of any client of the account.",
        Replies = [Reply.Ok<Erasure>("The erasure.")],
    };

    /// <summary>Sends the record of the erasure.</summary>
    [WolverineGet("/api/v2/erasures/{erasureId}")]
    [Authorize(Scopes.PrivacyWrite)]
    public static async Task<IResult> Get(HttpContext http, Erasures erasures, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("erasureId");
        if (parameters.AreRefused(out var problem))
            return problem;

        return await erasures.FindAsync(Caller.From(http.User).Account, id, cancellation) is { } erasure
            ? JsonBody.Of(erasure, Json.Of<Erasure>())
            : Problems.NotFound();
    }
}

/// <summary>What the two ways to ask for an erasure share.</summary>
internal static class ErasureAnswer
{
    public const int MaxReason = 200;

    public static readonly QueryParameter ReasonParameter = new(
        "reason", "Why, for the record; at most 200 characters, and nothing of the person.",
        $$"""{ "type": "string", "maxLength": {{MaxReason}} }""");

    // A caller waits so long; the rest is done in the background.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static IReadOnlyList<Reply> Replies { get; } =
    [
        Reply.Ok<Erasure>("The erasure is done."),
        Reply.Json<Erasure>(StatusCodes.Status202Accepted, "The erasure is recorded, and goes on; `getErasure` says how far it is."),
    ];

    /// <summary>The 403 of a client that reaches a part of a participant's sessions.</summary>
    public static IResult Elsewhere(long sessions) => Problems.Forbidden(
        $"The participant has {sessions} sessions in workspaces that the token does not reach. It takes a client of all of them.");

    public static string? Reason(RequestParameters parameters)
    {
        var reason = parameters.Text("reason");
        if (reason is not null && (JsonText.Characters(reason) > MaxReason || reason.Any(char.IsControl)))
            parameters.Refuse("reason", $"must have at most {MaxReason} characters, none of them a control character");
        return reason;
    }

    public static async Task<IResult> EraseAsync(
        Erasures erasures, ErasureWork work, Caller caller, ErasureKind kind, Guid id, string? reason, CancellationToken cancellation)
    {
        var erasure = await erasures.RequestAsync(caller.Account, kind, id, caller.ClientId, reason, cancellation);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            await work.RunAsync(erasure, ProgressReport.Silent, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The caller was patient enough: the worker goes on, which also deletes the files.
        }

        var record = (await erasures.FindAsync(caller.Account, erasure, cancellation))!;
        return JsonBody.Of(
            record, Json.Of<Erasure>(),
            record.State == ErasureState.Done ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }
}
