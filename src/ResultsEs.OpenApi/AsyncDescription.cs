using System.Text.RegularExpressions;
using ResultsEs.Ingestion;

namespace ResultsEs.OpenApi;

/// <summary>
/// The AsyncAPI 3 description of the queue and the stream: <c>asyncapi.json</c> of this project, completed by the schemas of the OpenAPI
/// description that its messages use.
/// </summary>
internal static partial class AsyncDescription
{
    /// <summary>The event of any type: a choice, where OpenAPI has a base, whose discriminators are others' than AsyncAPI's.</summary>
    private const string AnyEvent = "AnyEvent";

    /// <summary>The description as committed; UTF-8, indented.</summary>
    public static ReadOnlyMemory<byte> Json { get; } = ApiDescription.Bytes(Make());

    private static JsonNode Make()
    {
        var description = ApiDescription.Resource("asyncapi.json");
        var known = JsonNode.Parse(ApiDescription.Json.Span)!["components"]!["schemas"]!.AsObject();
        var used = new SortedDictionary<string, JsonNode>(StringComparer.Ordinal)
        {
            [AnyEvent] = new JsonObject
            {
                ["description"] = "A CloudEvent of any type that the service takes.",
                ["oneOf"] = new JsonArray([.. EventCatalogue.All.Select(type => new JsonObject
                {
                    ["$ref"] = $"#/components/schemas/{type.Record.Name}Event",
                })]),
            },
        };
        var open = new Queue<JsonNode>([description, used[AnyEvent]]);
        while (open.TryDequeue(out var node))
        {
            foreach (var name in Reference().Matches(node.ToJsonString()).Select(match => match.Groups["name"].Value))
            {
                if (used.ContainsKey(name))
                    continue;

                var schema = known[name]!.DeepClone();
                Plain(schema);
                used.Add(name, schema);
                open.Enqueue(schema);
            }
        }

        description["components"]!["schemas"] = new JsonObject(
            used.Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)schema.Value)));
        return description;
    }

    private static void Plain(JsonNode? schema)
    {
        switch (schema)
        {
            case JsonObject members:
                members.Remove("discriminator");
                foreach (var (_, member) in members)
                    Plain(member);
                break;
            case JsonArray items:
                foreach (var item in items)
                    Plain(item);
                break;
        }
    }

    [GeneratedRegex(
        "\"#/components/schemas/(?<name>[A-Za-z0-9_]+)\"", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Reference();
}
