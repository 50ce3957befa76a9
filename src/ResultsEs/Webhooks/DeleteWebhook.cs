using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>DELETE /api/v3/webhooks/{webhookId}</c>: removes a webhook.</summary>
public static class DeleteWebhook
{
    internal static readonly Operation Description = new("deleteWebhook", ApiTag.Webhooks, "Remove a webhook")
    {
        Text = "Its log and its messages that wait go with it.",
        Replies = [Reply.Ok<Webhook>("The webhook as it was.")],
    };

    /// <summary>Removes the webhook.</summary>
    [WolverineDelete("/api/v3/webhooks/{webhookId}")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Delete(HttpContext http, WebhookStore webhooks, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("webhookId");
        if (parameters.AreRefused(out var problem))
            return problem;

        return WebhookAnswer.Of(await webhooks.RemoveAsync(WebhookOwner.Of(http), id, cancellation));
    }
}
