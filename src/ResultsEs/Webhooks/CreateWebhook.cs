using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>POST /api/v3/webhooks</c>: subscribes to changes of sessions.</summary>
public static class CreateWebhook
{
    internal static readonly Operation Description = new("createWebhook", ApiTag.Webhooks, "Subscribe to changes of sessions")
    {
        Text = "Messages are CloudEvents, signed by the Standard Webhooks specification; `webhooks` of this description says what they "
            + "hold. The webhook tells what comes from now on, of the sessions that its client may see at the time. It takes the scope "
            + "`studies:read` as well. The answer is the one that shows the secret.",
        Replies = [Reply.Json<WebhookWithSecret>(StatusCodes.Status201Created, "The webhook, with its secret.")],
        Refusals = [400, 409, 413, 415],
    };

    /// <summary>Makes the webhook.</summary>
    [WolverinePost("/api/v3/webhooks")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Post(HttpContext http, WebhookStore webhooks, CancellationToken cancellation)
    {
        if (!WebhookRights.Suffice(Caller.From(http.User).Scopes))
            return Problems.Forbidden("A webhook tells of sessions, so it takes a token with the scope studies:read as well.");

        var (input, refusal) = await WebhookInput.ReadAsync(http.Request, webhooks.Urls, isNew: true, cancellation);
        if (refusal is not null)
            return refusal;

        try
        {
            return await webhooks.AddAsync(WebhookOwner.Of(http), input, cancellation) is { } made
                ? JsonBody.Of(made, Json.Of<WebhookWithSecret>(), StatusCodes.Status201Created)
                : Problems.Conflict($"This client has as many webhooks as it may: {webhooks.PerClient}.");
        }
        catch (FeedNotFilledException)
        {
            http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            return Problems.Of(StatusCodes.Status503ServiceUnavailable, "The feed of changes is being filled. Ask again in a while.");
        }
    }
}
