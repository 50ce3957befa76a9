using ResultsEs.Ingestion;

namespace ResultsEs.OpenApi;

/// <summary>The request bodies by operation id.</summary>
internal static class RequestBodies
{
    private const string Form =
        """
        { "required": true, "content": { "application/x-www-form-urlencoded": { "schema": {
            "type": "object",
            "properties": {
              "grant_type": { "type": "string", "const": "client_credentials" },
              "client_id": { "type": "string" },
              "client_secret": { "type": "string", "format": "password" },
              "scope": { "type": "string", "description": "Scopes, separated by blanks." } },
            "required": ["grant_type"] } } } }
        """;

    private const string CloudEvent =
        """
        { "type": "object",
          "description": "CloudEvents 1.0, JSON event format. Other attributes are let pass and not kept.",
          "properties": {
            "specversion": { "type": "string", "const": "1.0" },
            "id": { "type": "string", "format": "uuid",
              "description": "Made by the sender: the key of idempotency, for ever, within the account." },
            "source": { "type": "string", "minLength": 1, "maxLength": 2048, "description": "Recorder and version." },
            "type": { "type": "string" },
            "subject": { "type": "string", "format": "uuid", "description": "The session, or the highlight reel." },
            "time": { "type": "string", "format": "date-time",
              "description": "When it happened at the sender: decides which of two events holds." },
            "datacontenttype": { "type": "string", "const": "application/json" },
            "traceparent": { "type": "string" },
            "data": {} },
          "required": ["specversion", "id", "source", "type", "subject", "time", "data"] }
        """;

    /// <summary>The request body of an operation; null when it takes none.</summary>
    public static JsonNode? Of(string operationId, Schemas schemas) => operationId switch
    {
        "getToken" => JsonNode.Parse(Form),
        "recordEvents" => Events(schemas),
        _ => null,
    };

    private static JsonObject Events(Schemas schemas)
    {
        var one = schemas.Component("CloudEvent", () => Event(schemas));
        var many = new JsonObject { ["type"] = "array", ["items"] = one.DeepClone(), ["maxItems"] = CloudEventReader.MaxEvents };
        var example = new JsonObject { ["survey"] = new JsonObject { ["value"] = SampleAnswers.Batch() } };
        return new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/cloudevents-batch+json"] = new JsonObject { ["schema"] = many, ["examples"] = example },
                ["application/cloudevents+json"] = new JsonObject { ["schema"] = one },
                ["application/json"] = new JsonObject { ["schema"] = Schemas.AnyOf([one.DeepClone(), many.DeepClone()]) },
                ["application/x-ndjson"] = JsonNode.Parse("""{ "schema": { "type": "string", "description": "A CloudEvent a line." } }"""),
            },
        };
    }

    private static JsonObject Event(Schemas schemas)
    {
        var schema = JsonNode.Parse(CloudEvent)!.AsObject();
        schema["properties"]!["type"]!["enum"] = new JsonArray([.. EventCatalogue.All.Select(type => (JsonNode)type.WireType)]);
        schema["properties"]!["data"] = Schemas.AnyOf(EventCatalogue.All.Select(type => schemas.Of(type.Record)));
        return schema;
    }
}
