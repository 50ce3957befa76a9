using System.Text.Json.Nodes;
using ResultsEs.OpenApi;

namespace ResultsEs.Tests.OpenApi;

/// <summary>What generators of clients need of <c>docs/openapi.json</c> (decision 0022), held for all that it describes.</summary>
public sealed class SchemaTests
{
    private static readonly JsonObject Description = JsonNode.Parse(ApiDescription.Json.Span)!.AsObject();

    private static readonly JsonObject Components = Description["components"]!["schemas"]!.AsObject();

    private static readonly IReadOnlyList<(string Path, JsonObject Operation)> Operations =
    [
        .. Description["paths"]!.AsObject().SelectMany(path =>
            path.Value!.AsObject().Select(method => ($"{method.Key} {path.Key}", method.Value!.AsObject()))),
    ];

    /// <summary>Every schema with its place: the components', and those of parameters, requests and responses.</summary>
    private static IReadOnlyList<(string Place, JsonObject Schema)> Schemas =>
    [
        .. Components.SelectMany(component => Within(component.Key, component.Value!.AsObject())),
        .. Operations.SelectMany(operation => UsesOf(operation.Operation).SelectMany(schema => Within(operation.Path, schema))),
    ];

    [Fact]
    public void Objects_and_sets_of_words_have_names()
    {
        var roots = Components.Select(component => component.Value!).ToHashSet();
        var parts = Components.SelectMany(component => component.Value!["allOf"]?.AsArray() ?? []).ToHashSet();

        Assert.Empty(Schemas
            .Where(at => !roots.Contains(at.Schema) && !parts.Contains(at.Schema))
            .Where(at => at.Schema["enum"] is not null || at.Schema["properties"] is not null || at.Schema["additionalProperties"] is JsonObject || at.Schema["title"] is not null)
            .Select(at => $"{at.Place}: {at.Schema.ToJsonString()}"));
    }

    [Fact]
    public void Names_are_words_of_ours()
    {
        Assert.All(Components, component => Assert.Matches("^(?:[A-Z][a-z]+)+(?:V[1-9])?(?:Event)?$", component.Key));
        Assert.All(Description["components"]!["responses"]!.AsObject(), response => Assert.Matches("^[A-Z][A-Za-z]+$", response.Key));
        Assert.Equal(Operations.Count, Operations.Select(operation => (string)operation.Operation["operationId"]!).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        // No two differ in case alone: generators write a file each.
        Assert.Equal(Components.Count, Components.Select(component => component.Key).Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    /// <summary>A type with null, or oneOf a component and null; no other choice, and nothing that only older versions know.</summary>
    [Fact]
    public void What_can_be_null_says_so_in_one_way()
    {
        Assert.Empty(Schemas.Where(at => at.Schema["anyOf"] is not null || at.Schema["nullable"] is not null || !IsRight(at.Schema)).Select(at => $"{at.Place}: {at.Schema.ToJsonString()}"));

        static bool IsRight(JsonObject schema) =>
            (schema["oneOf"] is not JsonArray choices || choices is [JsonObject { Count: 1 } component, JsonObject { Count: 1 } other] && component["$ref"] is not null && (string?)other["type"] == "null")
            && (schema["type"] is not JsonArray types || types is [var type, var none] && (string?)type != "null" && (string?)none == "null");
    }

    [Theory]
    [InlineData("SessionResultV2")]
    [InlineData("SessionResultV3")]
    public void A_served_session_has_its_test_workspace_kind_and_start(string name)
    {
        var session = Components[name]!;
        foreach (var member in new[] { "sessionId", "testId", "workspaceId", "productType", "status", "startTime" })
        {
            Assert.Contains(member, session["required"]!.AsArray().Select(required => (string)required!));
            Assert.Null(session["properties"]![member]!["oneOf"]);
            Assert.False(session["properties"]![member]!["type"] is JsonArray, member);
        }

        foreach (var member in new[] { "finishTime", "audienceId", "testPlanId" })
            Assert.Equal("""["string","null"]""", session["properties"]![member]!["type"]!.ToJsonString());
        Assert.Equal("""[{"$ref":"#/components/schemas/SessionParticipant"},{"type":"null"}]""", session["properties"]!["sessionParticipant"]!["oneOf"]!.ToJsonString());
    }

    [Fact]
    public void An_answer_in_v3_is_one_object_with_a_member_for_each_type()
    {
        var answer = Components["TaskAnswerV3"]!;
        Assert.Equal("object", (string?)answer["type"]);
        Assert.Null(answer["required"]);
        Assert.Equal(
            ["blank", "figma", "image", "matrix", "multipleChoice", "nps", "rankOrder", "ratingScale", "url", "written"],
            answer["properties"]!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_reference_leads_somewhere_and_every_component_is_used()
    {
        var references = All(Description).OfType<JsonObject>().Select(node => node["$ref"]).Where(reference => reference is not null).Select(reference => (string)reference!)
            .Concat(Schemas.SelectMany(at => at.Schema["discriminator"]?["mapping"]?.AsObject().Select(pair => (string)pair.Value!) ?? [])).ToHashSet(StringComparer.Ordinal);

        Assert.All(references, reference => Assert.NotNull(reference.Split('/')[1..].Aggregate((JsonNode?)Description, (node, part) => node?[part])));
        Assert.Empty(Components.Select(component => $"#/components/schemas/{component.Key}").Except(references));
    }

    /// <summary>The kinds of a base are told apart by a required string, and each extends it.</summary>
    [Theory]
    [InlineData("Answer", "NPS", "NpsAnswer")]
    [InlineData("CloudEvent", "results.TaskAnswered.v1", "TaskAnsweredEvent")]
    public void Bases_name_their_kinds(string name, string word, string kind)
    {
        var discriminator = Components[name]!["discriminator"]!;
        Assert.Equal($"#/components/schemas/{kind}", (string?)discriminator["mapping"]![word]);
        Assert.All(Components.Where(component => component.Value!["discriminator"] is not null), component =>
        {
            var member = (string)component.Value!["discriminator"]!["propertyName"]!;
            Assert.Contains(member, component.Value["required"]!.AsArray().Select(required => (string)required!));
            Assert.All(component.Value["discriminator"]!["mapping"]!.AsObject(), kindOf => Assert.Equal(
                $"#/components/schemas/{component.Key}", (string?)Components[((string)kindOf.Value!).Split('/')[^1]]!["allOf"]![0]!["$ref"]));
        });
    }

    [Fact]
    public void An_operation_has_one_body_and_one_success()
    {
        Assert.All(Operations, operation =>
        {
            var bodies = operation.Operation["requestBody"]?["content"]?.AsObject().Count ?? 1;
            var successes = operation.Operation["responses"]!.AsObject().Where(response => response.Key.StartsWith('2')).ToList();
            Assert.Equal((operation.Path, 1), (operation.Path, bodies));
            // A part of a file (206) is of the same kind as the file, and work that is not done yet (202) as that which is.
            Assert.Single(successes.Select(response => string.Concat(response.Value!["content"]!.AsObject().Select(body => body.Value!["schema"]!.ToJsonString()))).Distinct());
            // A table is what its format says.
            Assert.Equal((operation.Path, operation.Path is "get /api/v3/testResults/{testId}/export" or "get /export-files/{exportId}/{fileId}" ? 3 : 1), (operation.Path, successes[0].Value!["content"]!.AsObject().Count));
            Assert.Equal((operation.Path, true), (operation.Path, successes.Count == 1 || successes.Select(response => response.Key) is var keys && (keys.SequenceEqual(["200", "206"]) || keys.SequenceEqual(["200", "202"]))));
        });
    }

    [Fact]
    public void What_is_not_JSON_is_a_file()
    {
        var files = Operations.SelectMany(operation => (operation.Operation["requestBody"]?["content"]?.AsObject() ?? [])
                .Concat(operation.Operation["responses"]!.AsObject().SelectMany(response => response.Value!["content"]?.AsObject() ?? [])))
            .Where(media => !media.Key.EndsWith("json", StringComparison.Ordinal) || media.Key.EndsWith("ndjson", StringComparison.Ordinal))
            .Where(media => media.Key != "application/x-www-form-urlencoded").ToList();

        Assert.NotEmpty(files);
        Assert.All(files, media => Assert.Equal("""{"type":"string","format":"binary"}""", media.Value!["schema"]!.ToJsonString()));
    }

    private static IEnumerable<JsonObject> UsesOf(JsonObject operation) =>
    [
        .. (operation["parameters"]?.AsArray() ?? []).Select(parameter => parameter!["schema"]!.AsObject()),
        .. (operation["requestBody"]?["content"]?.AsObject() ?? []).Select(media => media.Value!["schema"]!.AsObject()),
        .. operation["responses"]!.AsObject().SelectMany(response => response.Value!["content"]?.AsObject() ?? []).Select(media => media.Value!["schema"]!.AsObject()),
    ];

    private static IEnumerable<(string Place, JsonObject Schema)> Within(string place, JsonObject schema) =>
    [
        (place, schema),
        .. (schema["properties"]?.AsObject() ?? []).SelectMany(member => Within($"{place}.{member.Key}", member.Value!.AsObject())),
        .. new[] { "items", "additionalProperties" }.SelectMany(keyword => schema[keyword] is JsonObject inner ? Within($"{place}[]", inner) : []),
        .. new[] { "oneOf", "anyOf", "allOf" }.SelectMany(keyword => schema[keyword]?.AsArray() ?? []).SelectMany(choice => Within(place, choice!.AsObject())),
    ];

    private static IEnumerable<JsonNode> All(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => All(member.Value)).Prepend(members),
        JsonArray items => items.SelectMany(All),
        _ => [],
    };
}
