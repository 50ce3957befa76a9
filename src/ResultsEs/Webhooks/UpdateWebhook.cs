using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>PATCH /api/v3/webhooks/{webhookId}</c>: changes a webhook, disables it, or enables it again.</summary>
public static class UpdateWebhook
{
    internal static readonly Operation Description = new("updateWebhook", ApiTag.Webhooks, "Change, disable or enable a webhook")
    {
        Text = "What the request does not name stays. A webhook that is disabled loses nothing: enabled, it goes on with what it could "
            + "not send and with what changed meanwhile.",
        Replies = [Reply.Ok<Webhook>("The webhook as it is now.")],
        Refusals = [413, 415],
    };

    /// <summary>Changes the webhook.</summary>
    [WolverinePatch("/api/v3/webhooks/{webhookId}")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Patch(HttpContext http, WebhookStore webhooks, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("webhookId");
        if (parameters.AreRefused(out var problem))
            return problem;

        var (input, refusal) = await WebhookInput.ReadAsync(http.Request, webhooks.Urls, isNew: false, cancellation);
        return refusal ?? WebhookAnswer.Of(await webhooks.ChangeAsync(WebhookOwner.Of(http), id, input, cancellation));
    }
}
