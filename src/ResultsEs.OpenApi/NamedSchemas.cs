namespace ResultsEs.OpenApi;

/// <summary>
/// Names for what would have none: generators make a type of each object and each set of words, and invent a name where it stands inline
/// (<c>Anonymous2</c>, <c>ProductType3</c>). Such a schema becomes a component, one for all that are the same.
/// </summary>
internal static class NamedSchemas
{
    private const string Place = "#/components/schemas/";

    // What belongs to the place where a type is used, not to the type.
    private static readonly string[] OfThePlace = ["description", "default", "examples", "deprecated"];

    /// <summary>Names the inline schemas of a description, drops components that nothing refers to, and sorts the others.</summary>
    public static void Apply(JsonObject description)
    {
        var components = description["components"]!["schemas"]!.AsObject();
        foreach (var (name, schema) in components.ToList())
            Within(schema!.AsObject(), name, components);
        foreach (var (_, path) in description["paths"]!.AsObject())
        {
            foreach (var (_, operation) in path!.AsObject())
                OfOperation(operation!.AsObject(), components);
        }

        DropUnused(description, components);
        description["components"]!["schemas"] = new JsonObject(components
            .OrderBy(component => component.Key, StringComparer.Ordinal)
            .Select(component => KeyValuePair.Create(component.Key, component.Value?.DeepClone())));
    }

    private static void OfOperation(JsonObject operation, JsonObject components)
    {
        var id = Pascal((string)operation["operationId"]!);
        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
            Name(parameter!.AsObject(), "schema", Pascal((string)parameter!["name"]!), components);
        foreach (var (_, media) in operation["requestBody"]?["content"]?.AsObject() ?? [])
            Name(media!.AsObject(), "schema", id + "Request", components);
        foreach (var (_, response) in operation["responses"]!.AsObject())
        {
            foreach (var (_, media) in response!["content"]?.AsObject() ?? [])
                Name(media!.AsObject(), "schema", id + "Response", components);
        }
    }

    /// <summary>Names what stands within a schema; <paramref name="name"/> is that of the schema, or the one it would get.</summary>
    private static void Within(JsonObject schema, string name, JsonObject components)
    {
        foreach (var (member, _) in (schema["properties"]?.AsObject() ?? []).ToList())
            Name(schema["properties"]!.AsObject(), member, name + Pascal(member), components);
        foreach (var keyword in new[] { "items", "additionalProperties" })
        {
            if (schema[keyword] is JsonObject)
                Name(schema, keyword, name + "Item", components);
        }

        // Parts of one type, not types.
        foreach (var part in schema["allOf"]?.AsArray() ?? [])
            Within(part!.AsObject(), name, components);
        foreach (var keyword in new[] { "oneOf", "anyOf" })
        {
            var choices = schema[keyword]?.AsArray() ?? [];
            for (var i = 0; i < choices.Count; i++)
            {
                var choice = new JsonObject { ["schema"] = choices[i]!.DeepClone() };
                Name(choice, "schema", name, components);
                choices[i] = choice["schema"]!.DeepClone();
            }
        }
    }

    private static void Name(JsonObject parent, string key, string name, JsonObject components)
    {
        var schema = parent[key]!.AsObject();
        Within(schema, name, components);
        if (!IsType(schema))
            return;

        var type = schema.DeepClone().AsObject();
        var used = new JsonObject();
        foreach (var keyword in OfThePlace)
        {
            if (type.Remove(keyword, out var value))
                used[keyword] = value;
        }

        var same = components.FirstOrDefault(component => JsonNode.DeepEquals(Bare(component.Value!), type)).Key;
        if (same is null && !components.TryAdd(name, type))
            throw new InvalidOperationException($"Two schemas would be called {name}: name one of them.");
        used.Insert(0, "$ref", Place + (same ?? name));
        parent[key] = used;
    }

    private static bool IsType(JsonObject schema) => schema["$ref"] is null
        && (schema["enum"] is not null || schema["properties"] is not null || schema["additionalProperties"] is JsonObject);

    private static JsonObject Bare(JsonNode component)
    {
        var bare = component.DeepClone().AsObject();
        bare.Remove("description");
        return bare;
    }

    private static void DropUnused(JsonObject description, JsonObject components)
    {
        for (var before = 0; before != components.Count;)
        {
            before = components.Count;
            var text = description.ToJsonString();
            foreach (var (name, _) in components.ToList())
            {
                if (!text.Contains($"\"{Place}{name}\"", StringComparison.Ordinal))
                    components.Remove(name);
            }
        }
    }

    private static string Pascal(string name) => char.ToUpperInvariant(name[0]) + name[1..];
}
