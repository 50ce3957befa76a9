using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.Import;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.Webhooks;

namespace ResultsEs.OpenApi;

/// <summary>
/// JSON Schemas of requests and responses: each record and enumeration is a component. <see cref="JsonSchemaExporter"/> makes them from
/// the serializer's contracts; added are what our converters write, which members are always there, and the texts of the code.
/// A member that can be null has the type <c>null</c> beside its own, or is <c>oneOf</c> a component and <c>null</c>.
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
        [typeof(PostEventLinesResponse)] = "EventLinesRecorded",
    };

    // String members that hold one of a fixed set of words, which is a component.
    private static readonly Dictionary<(Type, string), (string Component, string[] Words)> Words = new()
    {
        [(typeof(TaskBody), "type")] =
            ("TaskTypeV3", [.. TaskType.All.Select(type => type.V3Type).Distinct(StringComparer.Ordinal), TaskType.Unrecognized]),
        [(typeof(SessionTaskResult), "taskType")] =
            ("TaskType", [.. TaskType.All.Select(type => type.Name), TaskType.Skipped, TaskType.Unrecognized]),
        [(typeof(TaskGroupBody), "type")] = ("TaskGroupType", ["QX_SCORE", "BALANCED_COMPARISON", "UNRECOGNIZED"]),
        [(typeof(NpsPayload), "category")] = ("NpsCategory", ["DETRACTOR", "PASSIVE", "PROMOTER"]),
        [(typeof(ChangeItem), "kind")] = ("ChangeKind", [.. ChangeItem.Kinds]),
        [(typeof(ChangeItem), "reason")] = ("RemovalReason", [.. ChangeItem.Reasons]),
        [(typeof(WebhookData), "reason")] = ("RemovalReason", [.. ChangeItem.Reasons]),
        [(typeof(EventOutcome), "outcome")] = ("EventOutcomeKind", ["appended", "duplicate"]),
    };

    private readonly CodeTexts _texts = new();

    private JsonSchemaExporterOptions Exporting => new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform };

    /// <summary>The schema of a type; for a record a reference to its component.</summary>
    public JsonObject Of(Type type) => Json.Options.GetJsonSchemaAsNode(type, Exporting).AsObject();

    /// <summary>A reference to a component, which is made on first use.</summary>
    public JsonObject Component(string name, Func<JsonObject> make)
    {
        if (!components.ContainsKey(name))
            components[name] = make();
        return Reference(name);
    }

    /// <summary>
    /// A base that its discriminator tells the kinds of: a string member, by whose words the kinds extend the base. Of choices
    /// (<c>oneOf</c>) not every generator makes code that compiles; of bases all make classes or types.
    /// </summary>
    public static JsonObject Base(JsonObject schema, string member, IEnumerable<(string Word, JsonObject Kind)> kinds)
    {
        schema["discriminator"] = new JsonObject
        {
            ["propertyName"] = member,
            ["mapping"] = new JsonObject(kinds.Select(kind => KeyValuePair.Create(kind.Word, kind.Kind["$ref"]?.DeepClone()))),
        };
        return schema;
    }

    /// <summary>A kind of a base: what it has beside the base's members.</summary>
    public static JsonObject Kind(string baseName, string? text, JsonObject own)
    {
        var kind = new JsonObject { ["allOf"] = new JsonArray(Reference(baseName), own) };
        if (text is not null)
            kind.Insert(0, "description", text);
        return kind;
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = "#/components/schemas/" + name };

    /// <summary>Completes the exporter's schema of a type or member. A record's members come before the record.</summary>
    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode exported)
    {
        if (context.PropertyInfo is not { } member)
            return OfType(context.TypeInfo, exported);

        var schema = OfMember(member) ?? OfType(context.TypeInfo, exported);
        if (IsNullShown(member))
            schema = OrNull(schema);
        if (_texts.Of(member) is { } text)
            schema["description"] = text;
        return schema;
    }

    /// <summary>The schema of a type. The exporter does not know what our converters write.</summary>
    private JsonObject OfType(JsonTypeInfo contract, JsonNode exported)
    {
        var type = Nullable.GetUnderlyingType(contract.Type) ?? contract.Type;
        if (type.IsEnum)
            return Component(type.Name, () => Enumeration(
                type == typeof(WebhookKind) ? WebhookKinds.All : Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseUpper.ConvertName),
                _texts.Of(type)));
        if (type == typeof(TaskAnswer))
            return Component(Names[type], AnswersByKey);
        if (type == typeof(Contracts.Answer))
            return Component(nameof(Contracts.Answer), AnyAnswer);
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
            (schema["type"], schema["format"]) = ("integer", type == typeof(int) ? "int32" : "int64");
        if (type == typeof(decimal))
            schema["type"] = "number";
        if (contract.Kind == JsonTypeInfoKind.Enumerable)
            schema["items"] ??= Of(contract.ElementType!);
        return schema;
    }

    private JsonObject Record(JsonTypeInfo contract, JsonNode exported)
    {
        var schema = new JsonObject { ["type"] = "object" };
        var text = _texts.Of(contract.Type);
        var isAnswer = TaskType.All.Any(type => type.AnswerType == contract.Type);
        if (text is not null && !isAnswer)
            schema["description"] = text;
        if (exported["properties"] is JsonObject properties)
        {
            // Of the base.
            if (isAnswer)
                properties.Remove("type");
            schema["properties"] = properties.DeepClone();
            var required = contract.Properties
                .Where(member => properties.ContainsKey(member.Name) && IsAlwaysThere(contract.Type, member));
            if (required.Any())
                schema["required"] = new JsonArray([.. required.Select(member => (JsonNode)member.Name)]);
        }

        // No members yet: some generators would take that for none ever.
        if (schema["properties"] is not JsonObject { Count: > 0 })
        {
            schema.Remove("properties");
            schema["additionalProperties"] = true;
        }

        return isAnswer ? Kind(nameof(Contracts.Answer), text, schema) : schema;
    }

    private JsonObject AnyAnswer() => Base(
        new JsonObject
        {
            ["type"] = "object",
            ["description"] = "An answer. One whose `type` is not known here is stored whole, and shown as `UNRECOGNIZED`.",
            ["properties"] = new JsonObject
            {
                ["type"] = new JsonObject { ["type"] = "string", ["description"] = "The task's type, such as `NPS`." },
            },
            ["required"] = new JsonArray("type"),
            ["additionalProperties"] = true,
        },
        "type",
        TaskType.All.Select(task => (task.Name, Of(task.AnswerType))));

    private static JsonObject Enumeration(IEnumerable<string> words, string? text)
    {
        var schema = JsonNode.Parse(QueryParameter.OneOf(words))!.AsObject();
        if (text is not null)
            schema["description"] = text;
        return schema;
    }

    /// <summary>The schema of a member with fewer values than its type; null for all other members.</summary>
    private JsonObject? OfMember(JsonPropertyInfo member)
    {
        var owner = member.DeclaringType;
        if (Words.TryGetValue((owner, member.Name), out var known))
            return Component(known.Component, () => Enumeration(known.Words, text: null));

        return owner == typeof(SessionTaskResult) && member.Name == "taskResponse"
            ? Component("TaskResponseV2", () => Merged(
                "The payload of a task in v2: the members of its `taskType`, and no other.",
                [.. TaskType.All.Select(type => (type.Name, type.PayloadType)), (TaskType.Skipped, typeof(SkipPayload))]))
            : null;
    }

    /// <summary>The answer in v3: an object with one member, that of the task type.</summary>
    private JsonObject AnswersByKey()
    {
        var byKey = TaskType.All.GroupBy(type => type.V3Key, StringComparer.Ordinal);
        return new JsonObject
        {
            ["type"] = "object",
            ["description"] = "An answer in v3: one member, that of the task's type.",
            ["properties"] = new JsonObject(
                byKey.Select(group => KeyValuePair.Create<string, JsonNode?>(group.Key, PayloadOf([.. group])))),
            ["minProperties"] = 1,
            ["maxProperties"] = 1,
        };
    }

    /// <summary>The payload of task types that share a key in v3.</summary>
    private JsonObject PayloadOf(IReadOnlyList<TaskType> types) => types is [var only]
        ? Of(only.PayloadType)
        : Component(char.ToUpperInvariant(types[0].V3Key[0]) + types[0].V3Key[1..] + "PayloadV3", () => Merged(
            $"The payload of {string.Join(" or ", types.Select(type => $"`{type.Name}`"))}.",
            [.. types.Select(type => (type.Name, type.PayloadType))]));

    /// <summary>
    /// One object for records that can stand in the same place. It has the members of all of them, and requires what each of them
    /// requires. Generators make one class of it, where most of them fail at a choice without a discriminator.
    /// </summary>
    private JsonObject Merged(string text, IReadOnlyList<(string Name, Type Record)> records)
    {
        var members = new Dictionary<string, (JsonObject Schema, List<string> Of)>(StringComparer.Ordinal);
        var required = new List<HashSet<string>>();
        foreach (var (name, record) in records)
        {
            var component = components[((string)Of(record)["$ref"]!).Split('/')[^1]]!.AsObject();
            required.Add([.. (component["required"]?.AsArray() ?? []).Select(member => (string)member!)]);
            foreach (var (member, node) in component["properties"]?.AsObject() ?? [])
            {
                var schema = node!.DeepClone().AsObject();
                schema.Remove("description");
                if (!members.TryGetValue(member, out var before))
                    members[member] = (schema, [name]);
                else if (JsonNode.DeepEquals(OrNull(before.Schema), OrNull(schema)))
                    members[member] = (IsNullable(schema) ? schema : before.Schema, [.. before.Of, name]);
                else
                    throw new InvalidOperationException($"'{member}' is not the same in {name} as in {string.Join(", ", before.Of)}");
            }
        }

        var merged = new JsonObject { ["type"] = "object", ["description"] = text, ["properties"] = new JsonObject() };
        foreach (var (member, (schema, of)) in members)
        {
            schema["description"] = $"Of {string.Join(", ", of.Select(name => $"`{name}`"))}.";
            merged["properties"]![member] = schema;
        }

        if (members.Keys.Where(member => required.All(each => each.Contains(member))).ToList() is { Count: > 0 } always)
            merged["required"] = new JsonArray([.. always.Select(member => (JsonNode)member)]);
        return merged;
    }

    private static bool IsNullable(JsonObject schema) => schema["type"] is JsonArray || schema["oneOf"] is not null;

    /// <summary>A schema that also allows null. One that allows anything, or null already, stays as it is.</summary>
    private static JsonObject OrNull(JsonObject schema)
    {
        if (IsNullable(schema) || schema.Count == 0)
            return schema;
        if (schema["$ref"] is not null)
            return new JsonObject { ["oneOf"] = new JsonArray(schema.DeepClone(), new JsonObject { ["type"] = "null" }) };

        var nullable = schema.DeepClone().AsObject();
        nullable["type"] = new JsonArray(schema["type"]!.DeepClone(), "null");
        return nullable;
    }

    private static bool CanBeNull(JsonPropertyInfo member) =>
        Nullable.GetUnderlyingType(member.PropertyType) is not null
        || (!member.PropertyType.IsValueType && (member.IsGetNullable || member.IsSetNullable));

    /// <summary>True when null is written, which other members leave out.</summary>
    private static bool IsNullShown(JsonPropertyInfo member) => CanBeNull(member) && !IsAlwaysServed(member)
        && member.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true)
            is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];

    private static bool IsAlwaysServed(JsonPropertyInfo member) =>
        member.AttributeProvider?.IsDefined(typeof(AlwaysServedAttribute), inherit: true) == true;

    /// <summary>True when the member is always in the JSON: in events when required, in responses unless it is null.</summary>
    private static bool IsAlwaysThere(Type owner, JsonPropertyInfo member) =>
        owner.IsAssignableTo(typeof(EventPart))
            ? member.IsRequired || member.Set is null
            : !CanBeNull(member) || IsNullShown(member) || IsAlwaysServed(member);
}
