using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>GET /api/v3/webhooks/{webhookId}</c>: one webhook.</summary>
public static class GetWebhook
{
    internal static readonly Operation Description = new("getWebhook", ApiTag.Webhooks, "A webhook")
    {
        Replies = [Reply.Ok<Webhook>("The webhook, without its secret.")],
    };

    /// <summary>Sends the webhook.</summary>
    [WolverineGet("/api/v3/webhooks/{webhookId}")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Get(HttpContext http, WebhookStore webhooks, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("webhookId");
        if (parameters.AreRefused(out var problem))
            return problem;

        return WebhookAnswer.Of(await webhooks.FindAsync(WebhookOwner.Of(http), id, cancellation));
    }
}

/// <summary>The answer with a webhook, or that there is none for this caller.</summary>
internal static class WebhookAnswer
{
    public static IResult Of(Webhook? webhook) =>
        webhook is null ? Problems.NotFound() : JsonBody.Of(webhook, Json.Of<Webhook>());
}
