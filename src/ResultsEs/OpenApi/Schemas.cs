using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Xml.Linq;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.OpenApi;

/// <summary>
/// JSON Schemas (2020-12, as OpenAPI 3.1 has them) of what is sent and received, from the same contracts that the serializer reads
/// and writes by, with the descriptions of the code. Every record is a component of its own.
/// </summary>
internal sealed class Schemas
{
    private const string Prefix = "#/components/schemas/";

    // What a client would call them.
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
        [typeof(SessionParticipant)] = "SessionParticipant",
    };

    // What a record of a fixed set of words is in C# a string.
    private static readonly Dictionary<(Type, string), string[]> Words = new()
    {
        [(typeof(TaskBody), "type")] = [.. TaskType.All.Select(type => type.V3Type).Distinct(StringComparer.Ordinal), TaskType.Unrecognized],
        [(typeof(SessionTaskResult), "taskType")] = [.. TaskType.All.Select(type => type.Name), TaskType.Skipped, TaskType.Unrecognized],
        [(typeof(TaskGroupBody), "type")] = ["QX_SCORE", "BALANCED_COMPARISON", "UNRECOGNIZED"],
        [(typeof(NpsPayload), "category")] = ["DETRACTOR", "PASSIVE", "PROMOTER"],
        [(typeof(EventOutcome), "outcome")] = ["appended", "duplicate"],
    };

    private readonly SortedDictionary<string, JsonNode> _components = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = Texts();

    /// <summary>The components so far, by name.</summary>
    public JsonObject Components => new(_components.Select(component => KeyValuePair.Create<string, JsonNode?>(component.Key, component.Value.DeepClone())));

    /// <summary>The schema of a type; of a record a reference to its component.</summary>
    public JsonObject Of(Type type)
    {
        if (Primitive(type) is { } primitive)
            return primitive;

        if (type.IsEnum)
            return Component(type.Name, () => Enumeration(EnumNames(type)));

        if (type == typeof(TaskAnswer))
            return Component(Names[type], AnswersByKey);

        if (type == typeof(Contracts.Answer))
            return Component("Answer", () => AnyOf([.. TaskType.All.Select(task => Of(task.AnswerType)), Of(typeof(UnrecognizedAnswer))]));

        if (type == typeof(UnrecognizedAnswer))
            return Component(type.Name, () => JsonNode.Parse("""{ "type": "object", "properties": { "type": { "type": "string" } }, "required": ["type"] }""")!.AsObject());

        var contract = Json.Options.GetTypeInfo(type);
        return contract.Kind switch
        {
            JsonTypeInfoKind.Enumerable => new JsonObject { ["type"] = "array", ["items"] = Of(contract.ElementType!) },
            JsonTypeInfoKind.Dictionary => new JsonObject { ["type"] = "object", ["additionalProperties"] = Of(contract.ElementType!) },
            JsonTypeInfoKind.Object => Component(Names.GetValueOrDefault(type, type.Name), () => Object(contract)),
            _ => throw new NotSupportedException($"{type} has no schema"),
        };
    }

    /// <summary>A reference to a component that is made when it is first asked for.</summary>
    public JsonObject Component(string name, Func<JsonObject> make)
    {
        if (!_components.ContainsKey(name))
        {
            // First its place: a record may hold itself.
            _components.Add(name, new JsonObject());
            _components[name] = make();
        }

        return new JsonObject { ["$ref"] = Prefix + name };
    }

    /// <summary>One of several.</summary>
    public static JsonObject AnyOf(IEnumerable<JsonNode> schemas) => new() { ["anyOf"] = new JsonArray([.. schemas]) };

    private static JsonObject? Primitive(Type type) => Type.GetTypeCode(Nullable.GetUnderlyingType(type) ?? type) switch
    {
        _ when type.IsEnum => null,
        TypeCode.String => new JsonObject { ["type"] = "string" },
        TypeCode.Boolean => new JsonObject { ["type"] = "boolean" },
        TypeCode.Int32 => new JsonObject { ["type"] = "integer", ["format"] = "int32" },
        TypeCode.Int64 => new JsonObject { ["type"] = "integer", ["format"] = "int64" },
        TypeCode.Decimal => new JsonObject { ["type"] = "number" },
        _ when type == typeof(Guid) => new JsonObject { ["type"] = "string", ["format"] = "uuid" },
        _ when type == typeof(DateTimeOffset) => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
        _ when type == typeof(JsonElement) => [],
        _ => null,
    };

    private static JsonObject Enumeration(IEnumerable<string> names) => new() { ["type"] = "string", ["enum"] = new JsonArray([.. names.Select(name => (JsonNode)name)]) };

    private static IEnumerable<string> EnumNames(Type type) => Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseUpper.ConvertName);

    /// <summary>v3's answer: an object with one key, the task type's.</summary>
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

    private JsonObject Object(JsonTypeInfo contract)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var member in contract.Properties.Where(member => !member.IsExtensionData && (member.Get ?? (object?)member.Set) is not null))
        {
            properties.Add(member.Name, Member(contract.Type, member));
            if (IsAlwaysThere(contract.Type, member))
                required.Add(member.Name);
        }

        var schema = new JsonObject { ["type"] = "object" };
        if (_texts.GetValueOrDefault($"T:{contract.Type.FullName}") is { } text)
            schema["description"] = text;
        if (properties.Count > 0)
            schema["properties"] = properties;
        if (required.Count > 0)
            schema["required"] = required;
        return schema;
    }

    private JsonObject Member(Type owner, JsonPropertyInfo member)
    {
        var type = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        var schema = Words.GetValueOrDefault((owner, member.Name)) is { } words ? Enumeration(words) : Special(owner, member) ?? Of(type);
        var text = Text(owner, member);
        if (IsNullShown(member))
        {
            schema = schema["type"] is JsonValue simple
                ? new JsonObject(schema.Where(pair => pair.Key != "type").Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone())).Prepend(new("type", new JsonArray((string)simple!, "null"))))
                : AnyOf([schema, new JsonObject { ["type"] = "null" }]);
        }

        if (text is not null)
            schema["description"] = text;
        return schema;
    }

    private JsonObject? Special(Type owner, JsonPropertyInfo member) => member.Name switch
    {
        "taskResponse" when owner == typeof(SessionTaskResult) => AnyOf([.. TaskType.All.Select(type => Of(type.PayloadType)), Of(typeof(SkipPayload))]),
        "type" when TaskType.All.FirstOrDefault(type => type.AnswerType == owner) is { } task => new JsonObject { ["type"] = "string", ["const"] = task.Name },
        _ => null,
    };

    private static JsonIgnoreCondition? Ignored(JsonPropertyInfo member) =>
        (member.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true).FirstOrDefault() as JsonIgnoreAttribute)?.Condition;

    private static bool CanBeNull(JsonPropertyInfo member) =>
        Nullable.GetUnderlyingType(member.PropertyType) is not null || (!member.PropertyType.IsValueType && (member.IsGetNullable || member.IsSetNullable));

    /// <summary>Null where others leave the member out.</summary>
    private static bool IsNullShown(JsonPropertyInfo member) => CanBeNull(member) && Ignored(member) == JsonIgnoreCondition.Never;

    /// <summary>What is received must hold what is required; what is sent holds everything but nulls.</summary>
    private static bool IsAlwaysThere(Type owner, JsonPropertyInfo member) =>
        owner.IsAssignableTo(typeof(EventPart)) ? member.IsRequired || member.Set is null : !CanBeNull(member) || IsNullShown(member);

    private string? Text(Type owner, JsonPropertyInfo member)
    {
        if (member.AttributeProvider is not MemberInfo property)
            return null;

        var name = property.Name;
        return _texts.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{name}") ?? _texts.GetValueOrDefault($"param:{owner.FullName}.{name}");
    }

    /// <summary>Summaries and parameters of the code's documentation, which the compiler puts beside the program.</summary>
    private static Dictionary<string, string> Texts()
    {
        var file = Path.ChangeExtension(typeof(Schemas).Assembly.Location, ".xml");
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in XDocument.Load(file, LoadOptions.PreserveWhitespace).Descendants("member"))
        {
            var name = (string)member.Attribute("name")!;
            if (member.Element("summary") is { } summary)
                texts[name] = Plain(summary);
            // A record's members are documented as its constructor's parameters.
            foreach (var parameter in member.Elements("param"))
                texts[$"param:{name[2..].Split(".#ctor", 2)[0]}.{(string)parameter.Attribute("name")!}"] = Plain(parameter);
        }

        return texts;
    }

    private static string Plain(XElement element)
    {
        var text = new StringBuilder();
        foreach (var node in element.Nodes())
        {
            text.Append(node switch
            {
                XText words => words.Value,
                XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                XElement { Name.LocalName: "see" } see => $"`{Camel(((string?)see.Attribute("cref") ?? "").Split('.')[^1])}`",
                XElement other => other.Value,
                _ => "",
            });
        }

        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Camel(string name) => typeof(StreamEvent).Assembly.GetType($"ResultsEs.Contracts.{name}") is null ? JsonNamingPolicy.CamelCase.ConvertName(name) : name;
}
