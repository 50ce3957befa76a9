using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>POST /api/v3/webhooks/{webhookId}/deliveries/{deliveryId}/replay</c>: sends one message again.</summary>
public static class ReplayWebhookDelivery
{
    internal static readonly Operation Description = new("replayWebhookDelivery", ApiTag.Webhooks, "Send a message again")
    {
        Text = "Sends a message of the log again, delivered or not, with its `webhook-id`.",
        Replies = [Reply.Json<WebhookReplay>(StatusCodes.Status202Accepted, "It is sent again.")],
    };

    /// <summary>Queues the message.</summary>
    [WolverinePost("/api/v3/webhooks/{webhookId}/deliveries/{deliveryId}/replay")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Post(HttpContext http, WebhookStore webhooks, WebhookLog log, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (id, delivery) = (parameters.Id("webhookId"), parameters.Id("deliveryId"));
        if (parameters.AreRefused(out var problem))
            return problem;

        return await webhooks.FindAsync(WebhookOwner.Of(http), id, cancellation) is not null
            && await log.ReplayAsync(id, delivery, cancellation)
                ? JsonBody.Of(new WebhookReplay(1), Json.Of<WebhookReplay>(), StatusCodes.Status202Accepted)
                : Problems.NotFound();
    }
}
