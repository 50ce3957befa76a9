using ResultsEs.Webhooks;

namespace ResultsEs.OpenApi;

/// <summary>The <c>webhooks</c> of the description, which say what is sent to an endpoint; and the bodies of requests for one.</summary>
internal static class WebhookDescription
{
    private static readonly (string Name, string Text)[] Headers =
    [
        ("webhook-id", "The message's id, the same whenever it is sent. Whoever has seen it may answer 2xx and do nothing."),
        ("webhook-timestamp", "When it is sent: seconds since 1970. Refuse what is older than a few minutes."),
        ("webhook-signature", "One or more signatures, separated by blanks: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in Base64."),
    ];

    /// <summary>The description of each kind of message.</summary>
    public static JsonObject Of(Schemas schemas) => new(
    [
        Kind(WebhookKind.Completed, "A session is complete", "Once for each session and webhook.", schemas),
        Kind(WebhookKind.Updated, "A session became visible, or changed", "Changes that follow each other fast may come as one.", schemas),
        Kind(
            WebhookKind.Removed, "A session went",
            "It is in another test or workspace, is kept no longer, or what it says of its participant was erased: then `session.updated` "
            + "follows with what is left.",
            schemas),
    ]);

    /// <summary>The body of a request for a webhook.</summary>
    public static JsonObject New(Schemas schemas) => schemas.Component("NewWebhook", () => Body(
        "A webhook that is to be made.", schemas, isNew: true));

    /// <summary>The body of a request that changes one.</summary>
    public static JsonObject Change(Schemas schemas) => schemas.Component("WebhookChange", () => Body(
        "What of a webhook is to be changed.", schemas, isNew: false));

    private static JsonObject Body(string text, Schemas schemas, bool isNew)
    {
        var members = new JsonObject
        {
            ["url"] = JsonNode.Parse(
                $$"""
                { "type": "string", "format": "uri", "maxLength": {{WebhookUrl.MaxLength}},
                  "description": "Where messages are sent: an https URL whose name stands for public addresses." }
                """),
            ["kinds"] = new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 1,
                ["items"] = schemas.Of(typeof(WebhookKind)),
                ["description"] = "The kinds of messages.",
            },
            ["testId"] = JsonNode.Parse(
                """
                { "type": ["string", "null"], "format": "uuid",
                  "description": "The test; null or absent for all of the client's workspaces." }
                """),
            ["content"] = schemas.Of(typeof(WebhookContent)),
            ["description"] = JsonNode.Parse(
                $$"""{ "type": ["string", "null"], "maxLength": {{WebhookInput.MaxDescription}}, "description": "What it is for." }"""),
        };
        if (!isNew)
            members["status"] = JsonNode.Parse(
                """{ "type": "string", "enum": ["ENABLED", "DISABLED"], "description": "`ENABLED` goes on where it stopped." }""");
        var body = new JsonObject { ["type"] = "object", ["description"] = text, ["properties"] = members };
        if (isNew)
            body["required"] = new JsonArray("url", "kinds");
        return body;
    }

    private static KeyValuePair<string, JsonNode?> Kind(WebhookKind kind, string summary, string text, Schemas schemas) =>
        new(WebhookKinds.Text(kind), new JsonObject
        {
            ["post"] = new JsonObject
            {
                ["operationId"] = $"onSession{kind}",
                ["tags"] = new JsonArray(nameof(ApiTag.Webhooks)),
                ["summary"] = summary,
                ["description"] = $"{text} Signed by the Standard Webhooks specification. Any 2xx takes the message; anything else is "
                    + "tried again over 72 hours. `410` disables the webhook.",
                ["security"] = new JsonArray(),
                ["parameters"] = new JsonArray([.. Headers.Select(header => new JsonObject
                {
                    ["name"] = header.Name,
                    ["in"] = "header",
                    ["required"] = true,
                    ["description"] = header.Text,
                    ["schema"] = new JsonObject { ["type"] = "string" },
                })]),
                ["requestBody"] = new JsonObject
                {
                    ["required"] = true,
                    ["content"] = new JsonObject
                    {
                        [WebhookMessage.ContentType] = new JsonObject
                        {
                            ["schema"] = schemas.Of(typeof(WebhookMessage)),
                            ["examples"] = new JsonObject { ["thin"] = new JsonObject { ["value"] = SampleWebhooks.Message(kind) } },
                        },
                    },
                },
                ["responses"] = new JsonObject
                {
                    ["2XX"] = new JsonObject { ["description"] = "The message is taken. Nothing else of the answer is read." },
                    ["4XX"] = new JsonObject { ["description"] = "The message is not taken; `410` disables the webhook." },
                },
            },
        });
}
