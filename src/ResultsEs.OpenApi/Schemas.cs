using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.OpenApi;

/// <summary>
/// JSON Schemas of requests and responses: each record and enumeration is a component. <see cref="JsonSchemaExporter"/> makes them from
/// the serializer's contracts; added are what our converters write, which members are always there, and the texts of the code.
/// </summary>
internal sealed class Schemas(JsonObject components)
{
    // Component names, where the code's name would not suit clients.
    private static readonly Dictionary<Type, string> Names = new()
    {
        [typeof(SessionBody)] = "SessionResultV3",
        [typeof(TaskBody)] = "TaskV3",
        [typeof(TaskResponse)] = "TaskResponseV3",
        [typeof(TaskAnswer)] = "TaskAnswerV3",
        [typeof(TaskGroupBody)] = "TaskGroup",
        [typeof(SessionTaskResult)] = "TaskV2",
        [typeof(PostEventsResponse)] = "EventsRecorded",
        [typeof(Ingestion.Import.PostEventLinesResponse)] = "EventLinesRecorded",
    };

    // String members that hold one of a fixed set of words.
    private static readonly Dictionary<(Type, string), string[]> Words = new()
    {
        [(typeof(TaskBody), "type")] =
            [.. TaskType.All.Select(type => type.V3Type).Distinct(StringComparer.Ordinal), TaskType.Unrecognized],
        [(typeof(SessionTaskResult), "taskType")] = [.. TaskType.All.Select(type => type.Name), TaskType.Skipped, TaskType.Unrecognized],
        [(typeof(TaskGroupBody), "type")] = ["QX_SCORE", "BALANCED_COMPARISON", "UNRECOGNIZED"],
        [(typeof(NpsPayload), "category")] = ["DETRACTOR", "PASSIVE", "PROMOTER"],
        [(typeof(EventOutcome), "outcome")] = ["appended", "duplicate"],
    };

    private const string AnyAnswer = """{ "type": "object", "properties": { "type": { "type": "string" } }, "required": ["type"] }""";

    private readonly CodeTexts _texts = new();

    private JsonSchemaExporterOptions Exporting => new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform };

    public JsonObject Sorted() => new(components.OrderBy(component => component.Key, StringComparer.Ordinal)
        .Select(component => KeyValuePair.Create(component.Key, component.Value?.DeepClone())));

    /// <summary>The schema of a type; for a record a reference to its component.</summary>
    public JsonObject Of(Type type) => Json.Options.GetJsonSchemaAsNode(type, Exporting).AsObject();

    /// <summary>A reference to a component, which is made on first use.</summary>
    public JsonObject Component(string name, Func<JsonObject> make)
    {
        if (!components.ContainsKey(name))
            components[name] = make();
        return Reference(name);
    }

    public static JsonObject AnyOf(IEnumerable<JsonNode> schemas) => new() { ["anyOf"] = new JsonArray([.. schemas]) };

    private static JsonObject Reference(string name) => new() { ["$ref"] = "#/components/schemas/" + name };

    /// <summary>Completes the exporter's schema of a type or member. A record's members come before the record.</summary>
    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode exported)
    {
        if (context.PropertyInfo is not { } member)
            return OfType(context.TypeInfo, exported);

        var schema = OfMember(member) ?? OfType(context.TypeInfo, exported);
        if (IsNullShown(member) && schema["type"] is { } type)
            schema["type"] = new JsonArray(type.DeepClone(), "null");
        else if (IsNullShown(member))
            schema = AnyOf([schema, new JsonObject { ["type"] = "null" }]);

        if (_texts.Of(member) is { } text)
            schema["description"] = text;
        return schema;
    }

    /// <summary>The schema of a type. The exporter does not know what our converters write.</summary>
    private JsonObject OfType(JsonTypeInfo contract, JsonNode exported)
    {
        var type = Nullable.GetUnderlyingType(contract.Type) ?? contract.Type;
        if (type.IsEnum)
            return Component(type.Name, () => Enumeration(Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseUpper.ConvertName)));
        if (type == typeof(TaskAnswer))
            return Component(Names[type], AnswersByKey);
        if (type == typeof(Contracts.Answer))
            return Component("Answer", () => AnyOf([.. TaskType.All.Select(task => Of(task.AnswerType)), Of(typeof(UnrecognizedAnswer))]));
        if (type == typeof(UnrecognizedAnswer))
            return Component(type.Name, () => Parse(AnyAnswer));
        if (type == typeof(DateTimeOffset))
            return new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        if (contract.Kind == JsonTypeInfoKind.Object && Names.GetValueOrDefault(type, type.Name) is var name)
        {
            // Within itself a record is exported as a reference, before its component is made.
            return exported["$ref"] is null ? Component(name, () => Record(contract, exported)) : Reference(name);
        }

        // The exporter writes "true" for any value.
        var schema = exported as JsonObject ?? [];
        if (schema["type"] is JsonArray withNull)
            schema["type"] = withNull[0]!.DeepClone();
        if (type == typeof(int) || type == typeof(long))
            schema["format"] = type == typeof(int) ? "int32" : "int64";
        if (contract.Kind == JsonTypeInfoKind.Enumerable)
            schema["items"] ??= new JsonObject();
        return schema;
    }

    private JsonObject Record(JsonTypeInfo contract, JsonNode exported)
    {
        var schema = new JsonObject { ["type"] = "object" };
        if (_texts.Of(contract.Type) is { } text)
            schema["description"] = text;
        if (exported["properties"] is JsonObject properties)
        {
            schema["properties"] = properties.DeepClone();
            if (TaskType.All.FirstOrDefault(type => type.AnswerType == contract.Type) is { } task)
                schema["properties"]!["type"] = new JsonObject { ["type"] = "string", ["const"] = task.Name };
            var required = contract.Properties
                .Where(member => properties.ContainsKey(member.Name) && IsAlwaysThere(contract.Type, member));
            if (required.Any())
                schema["required"] = new JsonArray([.. required.Select(member => (JsonNode)member.Name)]);
        }

        return schema;
    }

    private static JsonObject Enumeration(IEnumerable<string> names) => Parse(QueryParameter.OneOf(names));

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    /// <summary>The schema of a member with fewer values than its type; null for all other members.</summary>
    private JsonObject? OfMember(JsonPropertyInfo member)
    {
        var owner = member.DeclaringType;
        if (Words.GetValueOrDefault((owner, member.Name)) is { } words)
            return Enumeration(words);

        return owner == typeof(SessionTaskResult) && member.Name == "taskResponse"
            ? AnyOf([.. TaskType.All.Select(type => Of(type.PayloadType)), Of(typeof(SkipPayload))])
            : null;
    }

    /// <summary>The answer in v3: an object with one key, that of the task type.</summary>
    private JsonObject AnswersByKey()
    {
        var byKey = TaskType.All.GroupBy(type => type.V3Key, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal);
        return AnyOf(byKey.Select(group => new JsonObject
        {
            ["type"] = "object",
            ["title"] = group.Key,
            ["properties"] = new JsonObject
            {
                [group.Key] = group.ToList() is [var only] ? Of(only.PayloadType) : AnyOf(group.Select(type => Of(type.PayloadType))),
            },
            ["required"] = new JsonArray(group.Key),
        }));
    }

    private static bool CanBeNull(JsonPropertyInfo member) =>
        Nullable.GetUnderlyingType(member.PropertyType) is not null
        || (!member.PropertyType.IsValueType && (member.IsGetNullable || member.IsSetNullable));

    /// <summary>True when null is written, which other members leave out.</summary>
    private static bool IsNullShown(JsonPropertyInfo member) => CanBeNull(member)
        && member.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true)
            is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];

    /// <summary>True when the member is always in the JSON: in events when required, in responses unless it is null.</summary>
    private static bool IsAlwaysThere(Type owner, JsonPropertyInfo member) =>
        owner.IsAssignableTo(typeof(EventPart)) ? member.IsRequired || member.Set is null : !CanBeNull(member) || IsNullShown(member);
}
