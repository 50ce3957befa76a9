using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary><c>POST /api/v3/webhooks/{webhookId}/replay</c>: sends messages of the log again.</summary>
public static class ReplayWebhook
{
    internal static readonly Operation Description = new("replayWebhook", ApiTag.Webhooks, "Send messages again")
    {
        Text = "Sends the messages of a session, of a range of time, or of both again, delivered or not, the oldest first, each with its "
            + "`webhook-id`. Up to 1,000 in one request: `since` of the answer is where the range goes on. What is older than the log is "
            + "in the feed of changes.",
        Query =
        [
            new("sessionId", "Messages of this session.", QueryParameter.Uuid),
            new("since", "Messages that were made at this moment or later.", QueryParameter.Time),
            new("until", "Messages that were made before this moment.", QueryParameter.Time),
        ],
        Replies = [Reply.Json<WebhookReplay>(StatusCodes.Status202Accepted, "They are sent again.")],
    };

    /// <summary>Queues the messages.</summary>
    [WolverinePost("/api/v3/webhooks/{webhookId}/replay")]
    [Authorize(Scopes.WebhooksWrite)]
    public static async Task<IResult> Post(HttpContext http, WebhookStore webhooks, WebhookLog log, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (id, session) = (parameters.Id("webhookId"), parameters.UuidOrNull("sessionId"));
        var (since, until) = (parameters.Time("since"), parameters.Time("until"));
        if (session is null && since is null && !http.Request.Query.ContainsKey("sessionId"))
            parameters.Refuse("since", "is required, unless sessionId is there");
        if (parameters.AreRefused(out var problem))
            return problem;

        return await webhooks.FindAsync(WebhookOwner.Of(http), id, cancellation) is null
            ? Problems.NotFound()
            : JsonBody.Of(
                await log.ReplayAsync(id, session, since, until, cancellation), Json.Of<WebhookReplay>(), StatusCodes.Status202Accepted);
    }
}
