using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>GET /api/v3/webhooks/{webhookId}/deliveries</c>: the log of a webhook.</summary>
public static class ListWebhookDeliveries
{
    internal static readonly Operation Description = new("listWebhookDeliveries", ApiTag.Webhooks, "The log of a webhook")
    {
        Text = "The messages of a webhook, the newest first, each with its attempts. Nothing of what was sent or answered is kept but the "
            + "status. Entries are kept for 30 days, unless the operator has set another time, and 100,000 of a webhook.",
        Query =
        [
            new("sessionId", "Messages of this session alone.", QueryParameter.Uuid),
            new("status", "Messages of this status alone.", QueryParameter.OneOf(WireEnumConverter<DeliveryStatus>.AllNames)),
            .. Paging.Query,
        ],
        Replies = [Reply.Ok<WebhookDeliveryPage>("A page of the log.")],
    };

    /// <summary>Sends a page of the log.</summary>
    [WolverineGet("/api/v3/webhooks/{webhookId}/deliveries")]
    [Authorize(Scopes.WebhooksWrite)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, WebhookStore webhooks, WebhookLog log, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (id, session) = (parameters.Id("webhookId"), parameters.UuidOrNull("sessionId"));
        var status = parameters.Word("status", WireEnumConverter<DeliveryStatus>.AllNames);
        var list = $"deliveries {id} {session} {status}";
        var paging = Paging.Read(parameters, list);
        if (parameters.AreRefused(out var problem))
            return problem;

        if (await webhooks.FindAsync(WebhookOwner.Of(http), id, cancellation) is null)
            return Problems.NotFound();

        DeliveryStatus? only = status is null ? null : WireEnumConverter<DeliveryStatus>.Value(status);
        return JsonBody.Of(await log.ReadAsync(id, session, only, paging, list, cancellation), Json.Of<WebhookDeliveryPage>());
    }
}
