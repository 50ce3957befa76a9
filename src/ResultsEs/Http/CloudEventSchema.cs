using System.Text.Json.Nodes;
using ResultsEs.Ingestion;
using ResultsEs.OpenApi;

namespace ResultsEs.Http;

/// <summary>How recorders' requests look in OpenAPI.</summary>
internal static class CloudEventSchema
{
    /// <summary>The body of a request with events.</summary>
    public static JsonObject Body(Schemas schemas)
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
                ["application/x-ndjson"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string", ["description"] = "A CloudEvent a line." } },
            },
        };
    }

    private static JsonObject Event(Schemas schemas) => new()
    {
        ["type"] = "object",
        ["description"] = "CloudEvents 1.0, JSON event format. Other attributes are let pass and not kept.",
        ["properties"] = new JsonObject
        {
            ["specversion"] = new JsonObject { ["type"] = "string", ["const"] = "1.0" },
            ["id"] = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "Made by the sender: the key of idempotency, for ever, within the account." },
            ["source"] = new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 2048, ["description"] = "Recorder and version." },
            ["type"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. EventCatalogue.All.Select(type => (JsonNode)type.WireType)]) },
            ["subject"] = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "The session, or the highlight reel." },
            ["time"] = new JsonObject { ["type"] = "string", ["format"] = "date-time", ["description"] = "When it happened at the sender: decides which of two events holds." },
            ["datacontenttype"] = new JsonObject { ["type"] = "string", ["const"] = "application/json" },
            ["traceparent"] = new JsonObject { ["type"] = "string" },
            ["data"] = Schemas.AnyOf(EventCatalogue.All.Select(type => schemas.Of(type.Record))),
        },
        ["required"] = new JsonArray("specversion", "id", "source", "type", "subject", "time", "data"),
    };
}
