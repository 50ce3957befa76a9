using System.Globalization;
using System.Text.Encodings.Web;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Exports;
using ResultsEs.Ingestion;

namespace ResultsEs.OpenApi;

/// <summary>The OpenAPI 3.1 description of the API: <c>base.json</c>, completed by the service's endpoints and records.</summary>
internal static class ApiDescription
{
    private const string OAuth = "oauth2";

    // An operator may have chosen it.
    private const string ClientId = "clientId";
    private const string AnyId = """{ "type": "string", "maxLength": 100 }""";

    private static readonly string[] RateLimitHeaders =
        ["RateLimit", "RateLimit-Policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

    // The ids in paths and queries.
    private static readonly Dictionary<string, (string Text, string Example)> Ids = new(StringComparer.Ordinal)
    {
        ["sessionId"] = ("The session.", SampleAnswers.SessionId.ToString()),
        ["taskId"] = ("The task.", (string)SampleAnswers.Interactions()["taskId"]!),
        ["testId"] = ("The test.", SampleAnswers.TestId.ToString()),
        ["clipUuid"] = ("The clip.", (string)SampleAnswers.ClipGenerated()["clipUuid"]!),
        ["workspaceUuid"] = ("The workspace.", SampleAnswers.WorkspaceId.ToString()),
        ["studyUuid"] = ("The test.", SampleAnswers.TestId.ToString()),
        ["participantId"] = ("The participant.", SampleAnswers.ParticipantId.ToString()),
        ["erasureId"] = ("The erasure.", SampleAnswers.OfParticipant.ErasureId.ToString()),
        [ClientId] = ("The client.", SampleAnswers.OfClient.ClientId),
        ["exportId"] = ("The export.", SampleAnswers.Exported.ExportId.ToString()),
        ["fileId"] = ("The file.", SampleAnswers.Exported.Files[0].FileId.ToString()),
        ["reelId"] = ("The highlight reel.", (string)SampleAnswers.ReelFile()["reelId"]!),
        ["webhookId"] = ("The webhook.", SampleWebhooks.Webhook.WebhookId.ToString()),
        ["letterId"] = ("The dead letter.", SampleOperations.Letter.LetterId.ToString()),
        ["subjectId"] = ("The session that is set aside, or what else has the stream.", SampleOperations.SetAside.SubjectId.ToString()),
        ["deliveryId"] = ("The delivery.", SampleWebhooks.Delivery.DeliveryId.ToString()),
    };

    // What no code says: the body of a request for a token, and the envelope of an event.
    private static readonly JsonNode Parts = Resource("parts.json");

    private static readonly JsonSerializerOptions Written =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The description as committed and served; UTF-8, indented.</summary>
    public static ReadOnlyMemory<byte> Json { get; } = Bytes(Make());

    /// <summary>Writes the description, and that of queue and stream if a second file is named, to files whose content differs.</summary>
    public static void Main(string[] args)
    {
        Write(args[0], Json.Span);
        if (args.Length > 1)
            Write(args[1], AsyncDescription.Json.Span);
    }

    /// <summary>The bytes of a description, as they are committed.</summary>
    public static byte[] Bytes(JsonNode description) => [.. JsonSerializer.SerializeToUtf8Bytes(description, Written), (byte)'\n'];

    /// <summary>Reads a file of this project.</summary>
    public static JsonNode Resource(string name)
    {
        using var file = typeof(ApiDescription).Assembly.GetManifestResourceStream(name)!;
        return JsonNode.Parse(file)!;
    }

    // A newer file makes the service build again.
    private static void Write(string file, ReadOnlySpan<byte> bytes)
    {
        if (!File.Exists(file) || !File.ReadAllBytes(file).AsSpan().SequenceEqual(bytes))
            File.WriteAllBytes(file, bytes);
    }

    private static JsonNode Make()
    {
        var description = Resource("base.json");
        var components = description["components"]!;
        var schemas = new Schemas(components["schemas"]!.AsObject());
        foreach (var path in DescribedEndpoint.All.GroupBy(endpoint => endpoint.Path, StringComparer.Ordinal))
        {
            var methods = path.Select(endpoint => Pair(endpoint.Method.ToLowerInvariant(), Describe(endpoint, schemas)));
            description["paths"]![path.Key] = new JsonObject(methods);
        }

        description["webhooks"] = WebhookDescription.Of(schemas);
        components["responses"] = new JsonObject(Refusal.All.Select(refusal => Pair(Refusal.NameOf(refusal.Status), Describe(refusal))));
        components["securitySchemes"] = JsonNode.Parse(
            $$"""
            { "{{OAuth}}": {
                "type": "oauth2",
                "description": "Client credentials. A token is valid for {{Text((int)TokenIssuer.Lifetime.TotalSeconds)}} seconds.",
                "flows": { "clientCredentials": {
                  "tokenUrl": "/{{TokenIssuer.TokenPath}}",
                  "scopes": { "{{Scopes.StudiesRead}}": "Every read", "{{Scopes.EventsWrite}}": "Sending events",
                    "{{Scopes.PrivacyWrite}}": "Erasing what is held about participants",
                    "{{Scopes.PrivacyRead}}": "Reading everything that is held about a participant",
                    "{{Scopes.ClientsAdmin}}": "Adding, rotating and revoking clients of the account",
                    "{{Scopes.WebhooksWrite}}": "Subscribing to changes by webhooks",
                    "{{Scopes.OperationsRead}}": "Seeing how the service does, and what of the account needs an operator",
                    "{{Scopes.OperationsWrite}}": "Replaying and discarding dead letters of the account" } } } },
              "{{ApiPages.Bearer}}": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token that you have." } }
            """);
        NamedSchemas.Apply(description.AsObject());
        return description;
    }

    private static JsonObject Describe(DescribedEndpoint endpoint, Schemas schemas)
    {
        var operation = endpoint.Operation;
        var described = new JsonObject
        {
            ["operationId"] = operation.Id,
            ["tags"] = new JsonArray(operation.Tag.ToString()),
            ["summary"] = operation.Summary,
        };
        if (operation.Text is not null)
            described["description"] = operation.Text;

        var parameters = new JsonArray(
        [
            .. endpoint.PathParameters.Select(name =>
                Parameter("path", new(name, Ids[name].Text, name == ClientId ? AnyId : QueryParameter.Uuid, true), operation.Id)),
            .. operation.Query.Select(parameter => Parameter("query", parameter, operation.Id)),
        ]);
        if (parameters.Count > 0)
            described["parameters"] = parameters;
        if (RequestBody(operation.Id, schemas) is { } body)
            described["requestBody"] = body;

        described["security"] = endpoint.Scope is { } scope
            ? JsonNode.Parse($$"""[{ "{{OAuth}}": ["{{scope}}"] }, { "{{ApiPages.Bearer}}": [] }]""")
            : new JsonArray();

        var replies = operation.Replies.GroupBy(reply => reply.Status)
            .Select(replies => Pair(Text(replies.Key), Response(operation, [.. replies], schemas)));
        var refusals = Refusal.Of(endpoint).Order().Select(status => Pair(Text(status), Reference("responses", Refusal.NameOf(status))));
        described["responses"] = new JsonObject(replies.Concat(refusals));
        return described;
    }

    private static JsonObject Parameter(string place, QueryParameter parameter, string operationId)
    {
        var described = new JsonObject { ["name"] = parameter.Name, ["in"] = place, ["description"] = parameter.Text };
        if (parameter.IsRequired)
            described["required"] = true;
        described["schema"] = JsonNode.Parse(parameter.Schema);
        if (Ids.TryGetValue(parameter.Name, out var id))
            described["example"] = parameter.Name == "testId" && SampleAnswers.OfInteractionTest.Contains(operationId)
                ? SampleAnswers.InteractionTestId.ToString()
                : id.Example;
        return described;
    }

    // One body each: a client knows what it sends, and where several content types may hold it, generators disagree on which to take.
    private static JsonObject? RequestBody(string operationId, Schemas schemas) => operationId switch
    {
        "getToken" => Body(
            "application/x-www-form-urlencoded", schemas.Component("TokenRequest", () => Parts["tokenRequest"]!.DeepClone().AsObject())),
        "addClient" => Body("application/json", schemas.Of(typeof(NewClient)), ("warehouse", SampleAnswers.AskedClient())),
        "recordEvents" => Body("application/json", Events(schemas), ("survey", SampleAnswers.Batch())),
        "recordEventLines" => Body("application/x-ndjson", Binary(), ("survey", SampleAnswers.BatchLines())),
        "createWebhook" => Body("application/json", WebhookDescription.New(schemas), ("completed", SampleWebhooks.New())),
        "updateWebhook" => Body("application/json", WebhookDescription.Change(schemas), ("enable", SampleWebhooks.Change())),
        "createExport" => OptionalBody(schemas),
        _ => null,
    };

    // Its members are the query's parameters: they may stand there or here.
    private static JsonObject OptionalBody(Schemas schemas)
    {
        var properties = new JsonObject(CreateExport.Description.Query.Select(parameter =>
        {
            var schema = parameter.Name == ExportQuery.Mark.Name
                ? new JsonObject { ["type"] = "boolean" }
                : JsonNode.Parse(parameter.Schema)!.AsObject();
            schema["description"] = parameter.Name == "table"
                ? "The tables. Default: all. Not for `wide-csv`."
                : parameter.Text.Replace("`true` to begin", "Whether to begin", StringComparison.Ordinal);
            return Pair(parameter.Name, schema);
        }));
        var body = Body(
            "application/json",
            schemas.Component("ExportRequest", () => new JsonObject
            {
                ["type"] = "object",
                ["description"] = "What is to be exported.",
                ["properties"] = properties,
            }),
            ("tables", new JsonObject { ["format"] = "parquet", ["table"] = new JsonArray("sessions", "answers") }));
        body["required"] = false;
        return body;
    }

    private static JsonObject Body(string contentType, JsonObject schema, params (string Name, JsonNode Value)[] examples)
    {
        var media = new JsonObject { ["schema"] = schema };
        if (examples.Length > 0)
            media["examples"] = new JsonObject(
                examples.Select(example => Pair(example.Name, new JsonObject { ["value"] = example.Value })));
        return new JsonObject { ["required"] = true, ["content"] = new JsonObject { [contentType] = media } };
    }

    private static JsonObject Events(Schemas schemas) => new()
    {
        ["type"] = "array",
        ["items"] = schemas.Component("CloudEvent", () => Schemas.Base(
            Parts["cloudEvent"]!.DeepClone().AsObject(), "type",
            EventCatalogue.All.Select(type => (type.WireType, Event(type, schemas))))),
        ["maxItems"] = CloudEventReader.MaxEvents,
    };

    private static JsonObject Event(EventType type, Schemas schemas) => schemas.Component(type.Record.Name + "Event", () => Schemas.Kind(
        "CloudEvent", $"The CloudEvent `{type.WireType}`.", new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["data"] = schemas.Of(type.Record) },
            ["required"] = new JsonArray("data"),
        }));

    // What is not JSON is a file or stream to a generated client: of a string some read and write JSON.
    private static JsonObject Binary() => new() { ["type"] = "string", ["format"] = "binary" };

    private static JsonObject Response(Operation operation, IReadOnlyList<Reply> replies, Schemas schemas)
    {
        var content = new JsonObject();
        foreach (var reply in replies)
        {
            var schema = reply.Type is { } type ? schemas.Of(type) : Binary();
            content.Add(reply.ContentType, new JsonObject { ["schema"] = schema });
            // Of a response of several types the first has the examples.
            if (reply == replies[0] && SampleAnswers.ByOperation.TryGetValue(operation.Id, out var examples))
                content[reply.ContentType]!["examples"] = new JsonObject(
                    examples.Select(example => Pair(example.Name, new JsonObject { ["value"] = example.Answer() })));
        }

        IEnumerable<string> ranges = operation.Replies.Any(reply => reply.Status == 206) ? ["Accept-Ranges"] : [];
        return new JsonObject
        {
            ["description"] = string.Join(' ', replies.Select(reply => reply.Text).Distinct(StringComparer.Ordinal)),
            ["headers"] = Headers(ranges.Concat(replies.SelectMany(reply => reply.Headers).Distinct(StringComparer.Ordinal))),
            ["content"] = content,
        };
    }

    private static JsonObject Describe(Refusal refusal) => new()
    {
        ["description"] = refusal.Meaning,
        ["headers"] = Headers(refusal.Status switch { 401 or 403 => ["WWW-Authenticate"], 429 or 503 => ["Retry-After"], _ => [] }),
        ["content"] = new JsonObject
        {
            ["application/problem+json"] = new JsonObject
            {
                ["schema"] = Reference("schemas", "Problem"),
                ["example"] = refusal.Example(),
            },
        },
    };

    private static JsonObject Headers(params IEnumerable<string> own) =>
        new(RateLimitHeaders.Concat(own).Select(name => Pair(name, Reference("headers", name))));

    private static JsonObject Reference(string kind, string name) => new() { ["$ref"] = $"#/components/{kind}/{name}" };

    private static KeyValuePair<string, JsonNode?> Pair(string name, JsonNode value) => new(name, value);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
