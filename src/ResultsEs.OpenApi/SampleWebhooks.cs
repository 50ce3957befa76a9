using ResultsEs.Common;
using ResultsEs.Webhooks;

namespace ResultsEs.OpenApi;

/// <summary>Examples of webhooks: what is asked, answered and sent.</summary>
internal static class SampleWebhooks
{
    private static readonly DateTimeOffset Made = new(2026, 3, 5, 8, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Changed = new(2026, 3, 6, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The webhook of the examples.</summary>
    public static Webhook Webhook => new()
    {
        WebhookId = new Guid("0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f02"),
        Url = "https://hooks.example/results",
        Kinds = [WebhookKind.Completed, WebhookKind.Removed],
        TestId = SampleAnswers.TestId,
        Content = WebhookContent.Thin,
        Description = "tells the warehouse",
        Status = WebhookStatus.Enabled,
        CreatedTime = Made,
        UpdatedTime = Made,
    };

    /// <summary>A message that was delivered by its second attempt.</summary>
    public static WebhookDelivery Delivery => new()
    {
        DeliveryId = new Guid("5f8c1d7e-3a44-4b7e-8f0a-6f1f3c1b2a01"),
        Kind = WebhookKind.Completed,
        SessionId = SampleAnswers.SessionId,
        TestId = SampleAnswers.TestId,
        CreatedTime = Changed,
        Status = DeliveryStatus.Delivered,
        Attempts =
        [
            new WebhookAttempt(Changed, 15_003, null, "No answer within 15 seconds."),
            new WebhookAttempt(Changed.AddSeconds(20), 87, 204, null),
        ],
    };

    /// <summary>A request for a webhook.</summary>
    public static JsonNode New() => new JsonObject
    {
        ["url"] = Webhook.Url,
        ["kinds"] = new JsonArray([.. Webhook.Kinds.Select(kind => (JsonNode)WebhookKinds.Text(kind))]),
        ["testId"] = Webhook.TestId,
        ["content"] = "THIN",
        ["description"] = Webhook.Description,
    };

    /// <summary>A request that enables one.</summary>
    public static JsonNode Change() => new JsonObject { ["status"] = "ENABLED" };

    public static JsonNode WithSecret() =>
        Node(new WebhookWithSecret(Webhook, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));

    public static JsonNode List() => Node(new WebhookList([Webhook]));

    public static JsonNode Deliveries() => Node(new WebhookDeliveryPage(
        [Delivery], ListMeta.Of(new Paging(Paging.DefaultLimit, 0, null), totalCount: 1, nextCursor: null)));

    public static JsonNode Replay() => Node(new WebhookReplay(1));

    /// <summary>A message, as it is sent.</summary>
    public static JsonNode Message(WebhookKind kind) => JsonNode.Parse(WebhookMessage.Write(
        new ClaimedDelivery
        {
            Id = Delivery.DeliveryId,
            Webhook = Webhook.WebhookId,
            Kind = kind,
            Session = SampleAnswers.SessionId,
            Workspace = SampleAnswers.WorkspaceId,
            Test = SampleAnswers.TestId,
            Reason = kind == WebhookKind.Removed ? "moved" : null,
            Version = 12,
            ChangedAt = Changed,
            FirstAt = null,
            Tries = 0,
            Account = "",
            ClientId = "",
            Url = Webhook.Url,
            Content = WebhookContent.Thin,
            Secret = [],
            FormerSecret = null,
        },
        session: null,
        isLeftOut: false))!;

    private static JsonNode Node<T>(T value) => JsonSerializer.SerializeToNode(value, Json.Of<T>())!;
}
