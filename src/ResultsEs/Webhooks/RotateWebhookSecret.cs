using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>POST /api/v3/webhooks/{webhookId}/secret</c>: another secret; the one of before is valid for a while.</summary>
public static class RotateWebhookSecret
{
    internal const int UsualOverlapSeconds = 24 * 3_600;

    internal static readonly Operation Description = new("rotateWebhookSecret", ApiTag.Webhooks, "Make another secret")
    {
        Text = "Messages are signed by both secrets while the one of before is valid: `webhook-signature` holds two signatures then.",
        Query =
        [
            new(
                "overlap", "Seconds that the secret of before stays valid; 0 where somebody else may have it.",
                $$"""
                { "type": "integer", "format": "int32", "minimum": 0, "maximum": {{WebhookStore.MostOverlapSeconds}},
                  "default": {{UsualOverlapSeconds}} }
                """),
        ],
        Replies = [Reply.Ok<WebhookWithSecret>("The webhook, with its new secret, which no other answer shows.")],
    };

    /// <summary>Makes the secret.</summary>
    [WolverinePost("/api/v3/webhooks/{webhookId}/secret")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Post(HttpContext http, WebhookStore webhooks, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("webhookId");
        var overlap = parameters.Number("overlap", 0, WebhookStore.MostOverlapSeconds, UsualOverlapSeconds);
        if (parameters.AreRefused(out var problem))
            return problem;

        return await webhooks.RotateAsync(WebhookOwner.Of(http), id, TimeSpan.FromSeconds(overlap), cancellation) is { } made
            ? JsonBody.Of(made, Json.Of<WebhookWithSecret>())
            : Problems.NotFound();
    }
}
