using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>GET /api/v3/webhooks</c>: the client's webhooks.</summary>
public static class ListWebhooks
{
    internal static readonly Operation Description = new("listWebhooks", ApiTag.Webhooks, "The client's webhooks")
    {
        Text = "All webhooks that this client has made, the oldest first. Those of other clients are not shown.",
        Replies = [Reply.Ok<WebhookList>("The webhooks, without their secrets.")],
    };

    /// <summary>Sends the webhooks.</summary>
    [WolverineGet("/api/v3/webhooks")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Get(HttpContext http, WebhookStore webhooks, CancellationToken cancellation) =>
        JsonBody.Of(new WebhookList(await webhooks.ListAsync(WebhookOwner.Of(http), cancellation)), Json.Of<WebhookList>());
}
