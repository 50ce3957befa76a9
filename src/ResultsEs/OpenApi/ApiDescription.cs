using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Http;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.OpenApi;

/// <summary>The OpenAPI 3.1 description of the API, made of the endpoints' own (<see cref="Operation"/>) and of the records they send.</summary>
internal static class ApiDescription
{
    /// <summary>The command by which the build writes the description; it needs no database.</summary>
    public const string Command = "describe-api";

    public const string Sessions = "Sessions";
    public const string Media = "Media";
    public const string Tests = "Tests";
    public const string Events = "Events";
    public const string Service = "Service";

    public const string Bearer = "bearer";
    private const string OAuth = "oauth2";
    private const string Problem = "application/problem+json";

    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Lazy<byte[]> Bytes = new(() => [.. JsonSerializer.SerializeToUtf8Bytes(Make(), Written), (byte)'\n']);

    /// <summary>Every endpoint, in the order in which a reader meets them.</summary>
    public static IReadOnlyList<Operation> Operations { get; } =
    [
        GetSessionResults.Description,
        GetSessionResultV3.Description,
        GetSessionResultV2.Description,
        ExportSessionResults.Description,
        GetTranscript.Description,
        GetVideoDownloadUrl.Description,
        GetClips.Description,
        GetClip.Description,
        GetTestResults.Description,
        GetQxScores.Description,
        GetHighlightReels.Description,
        GetHighlightReel.Description,
        PostEventsEndpoint.Description,
        TokenIssuer.Description,
        HealthEndpoints.Live,
        HealthEndpoints.Readiness,
    ];

    /// <summary>The description as it is served and committed; UTF-8, indented.</summary>
    public static ReadOnlyMemory<byte> Json => Bytes.Value;

    /// <summary>Writes the description to a file.</summary>
    public static int WriteTo(string file)
    {
        File.WriteAllBytes(file, Bytes.Value);
        return 0;
    }

    private static JsonObject Make()
    {
        var schemas = new Schemas();
        var paths = new JsonObject();
        foreach (var operation in Operations)
        {
            if (paths[operation.Path] is not JsonObject path)
                paths[operation.Path] = path = [];
            path[operation.Method.ToLowerInvariant()] = Describe(operation, schemas);
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = Parse(
                """
                { "title": "Results API", "version": "1.0.0",
                  "summary": "Results of usability-test and survey sessions.",
                  "description": "A client written against the UserTesting Results API works here with its base URL and token URL changed. What this service adds to that API is only ever added: parameters, members of answers, paths. Take answers with members you do not know.\n\nEvery answer carries `Cache-Control: private, no-store`, and says in `RateLimit` how many requests are left. Every path also takes `HEAD` where it takes `GET`.",
                  "license": { "name": "Proprietary", "identifier": "LicenseRef-Proprietary" } }
                """),
            ["servers"] = JsonNode.Parse("""[{ "url": "/", "description": "This service" }]"""),
            ["tags"] = JsonNode.Parse(
                $$"""
                [{ "name": "{{Sessions}}", "description": "What participants did and said." },
                 { "name": "{{Media}}", "description": "Recordings, clips and highlight reels. The files lie in an object store; answers hold URLs that work without a token until they expire." },
                 { "name": "{{Tests}}", "description": "What all sessions of a test come to. These answers may lag behind the sessions by about a second." },
                 { "name": "{{Events}}", "description": "What recorders send." },
                 { "name": "{{Service}}", "description": "Tokens and health." }]
                """),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = AllSchemas(schemas),
                ["responses"] = Refusals(),
                ["headers"] = Headers(),
                ["securitySchemes"] = Parse(
                    $$"""
                    { "{{OAuth}}": {
                        "type": "oauth2", "description": "Client credentials. A token is valid for 3600 seconds.",
                        "flows": { "clientCredentials": {
                          "tokenUrl": "/{{TokenIssuer.TokenPath}}",
                          "scopes": { "{{Scopes.StudiesRead}}": "Every read", "{{Scopes.EventsWrite}}": "Sending events" } } } },
                      "{{Bearer}}": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token that you have." } }
                    """),
            },
        };
    }

    private static JsonObject Describe(Operation operation, Schemas schemas)
    {
        var described = new JsonObject { ["operationId"] = operation.Id, ["tags"] = new JsonArray(operation.Tag), ["summary"] = operation.Summary };
        if (operation.Text is not null)
            described["description"] = operation.Text;

        var parameters = new JsonArray([.. PathParameters(operation.Path), .. operation.Query.Select(Describe)]);
        if (parameters.Count > 0)
            described["parameters"] = parameters;
        if (operation.Body is not null)
            described["requestBody"] = operation.Body(schemas);

        described["security"] = operation.Scope is { } scope
            ? JsonNode.Parse($$"""[{ "{{OAuth}}": ["{{scope}}"] }, { "{{Bearer}}": [] }]""")
            : new JsonArray();

        var responses = new JsonObject();
        foreach (var replies in operation.Replies.GroupBy(reply => reply.Status))
            responses[Text(replies.Key)] = Describe([.. replies], schemas);
        foreach (var status in OwnRefusals(operation).Order())
            responses[Text(status)] = new JsonObject { ["$ref"] = $"#/components/responses/{status}" };
        described["responses"] = responses;
        return described;
    }

    private static IEnumerable<int> OwnRefusals(Operation operation) =>
        [.. operation.Refusals, .. operation.Scope is null ? (int[])[] : [401, 403], .. operation.Tag == Service && operation.Scope is null && operation.Body is null ? (int[])[] : [429, 500, 503]];

    private static JsonObject Describe(IReadOnlyList<Reply> replies, Schemas schemas)
    {
        var content = new JsonObject();
        foreach (var reply in replies)
        {
            var media = new JsonObject { ["schema"] = reply.Type is null ? new JsonObject { ["type"] = "string" } : schemas.Of(reply.Type) };
            if (reply.Examples.Count > 0)
                media["examples"] = new JsonObject(reply.Examples.Select(example => KeyValuePair.Create<string, JsonNode?>(example.Key, new JsonObject { ["value"] = example.Value() })));
            // Two answers of one type of content differ by what was asked.
            if (content[reply.ContentType] is JsonObject other)
                other["schema"] = Schemas.AnyOf([other["schema"]!.DeepClone(), media["schema"]!.DeepClone()]);
            else
                content[reply.ContentType] = media;
        }

        var headers = RateLimitHeaders();
        if (replies.Any(reply => reply.HasRanges))
            headers["Accept-Ranges"] = new JsonObject { ["$ref"] = "#/components/headers/Accept-Ranges" };
        return new JsonObject { ["description"] = string.Join(" ", replies.Select(reply => reply.Text)), ["headers"] = headers, ["content"] = content };
    }

    private static JsonObject Describe(QueryParameter parameter)
    {
        var described = new JsonObject { ["name"] = parameter.Name, ["in"] = "query", ["description"] = parameter.Text };
        if (parameter.IsRequired)
            described["required"] = true;
        described["schema"] = Parse(parameter.Schema);
        if (parameter.Example is not null)
            described["example"] = parameter.Example;
        return described;
    }

    private static IEnumerable<JsonObject> PathParameters(string path) => path.Split('/').Where(part => part is ['{', .., '}']).Select(part => part[1..^1]).Select(name => new JsonObject
    {
        ["name"] = name,
        ["in"] = "path",
        ["required"] = true,
        ["description"] = name switch
        {
            "sessionId" => "The session.",
            "testId" => "The test.",
            "clipUuid" => "The clip.",
            "reelId" => "The highlight reel.",
            _ => throw new NotSupportedException($"{name} has no description"),
        },
        ["schema"] = Parse(QueryParameter.Uuid),
        ["example"] = name switch
        {
            "sessionId" => SampleAnswers.SessionId.ToString(),
            "testId" => SampleAnswers.TestId.ToString(),
            "clipUuid" => (string)SampleAnswers.ClipGenerated()["clipUuid"]!,
            _ => (string)SampleAnswers.ReelFile()["reelId"]!,
        },
    });

    private static JsonObject AllSchemas(Schemas schemas)
    {
        schemas.Component("Problem", () => Parse(
            """
            { "type": "object", "description": "RFC 9457.",
              "properties": {
                "type": { "type": "string", "format": "uri-reference", "description": "What kind of problem this is." },
                "title": { "type": "string" },
                "status": { "type": "integer", "format": "int32" },
                "detail": { "type": "string", "description": "What is wrong, for a person." },
                "traceId": { "type": "string", "description": "Finds the request in the service's logs." },
                "errors": { "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } },
                  "description": "What is wrong with which parameter, or with which value of the body by its JSON path." },
                "events": { "type": "array", "description": "The events that were refused.", "items": { "type": "object",
                  "properties": { "index": { "type": "integer", "format": "int32" }, "id": { "type": ["string", "null"] }, "fields": { "type": "array", "items": { "type": "string" } } },
                  "required": ["index", "id", "fields"] } },
                "storedThroughLine": { "type": "integer", "format": "int64", "description": "Of lines: every line up to this one is stored or refused." },
                "refused": { "type": "integer", "format": "int64" },
                "refusals": { "type": "array", "items": {} } },
              "required": ["type", "title", "status", "traceId"] }
            """));
        return schemas.Components;
    }

    private static JsonObject Refusals()
    {
        var refusals = new JsonObject();
        foreach (var (status, title, type, errors) in new[]
        {
            (400, "Bad Request", "https://tools.ietf.org/html/rfc9110#section-15.5.1", """{ "limit": ["must be a whole number from 1 to 500"] }"""),
            (401, "Unauthorized", "https://tools.ietf.org/html/rfc9110#section-15.5.2", null),
            (403, "Forbidden", "https://tools.ietf.org/html/rfc9110#section-15.5.4", null),
            (404, "Not Found", "https://tools.ietf.org/html/rfc9110#section-15.5.5", null),
            (405, "Method Not Allowed", "https://tools.ietf.org/html/rfc9110#section-15.5.6", null),
            (409, "Conflict", "https://tools.ietf.org/html/rfc9110#section-15.5.10", """{ "[3].id": ["is the id of another event, or of this one with other content; ids are for ever"] }"""),
            (413, "Payload Too Large", "https://tools.ietf.org/html/rfc9110#section-15.5.14", null),
            (415, "Unsupported Media Type", "https://tools.ietf.org/html/rfc9110#section-15.5.16", null),
            (416, "Range Not Satisfiable", "https://tools.ietf.org/html/rfc9110#section-15.5.17", null),
            (429, "Too Many Requests", Problems.QuotaExceeded, null),
            (500, "An error occurred while processing your request.", "https://tools.ietf.org/html/rfc9110#section-15.6.1", null),
            (503, "Service Unavailable", "https://tools.ietf.org/html/rfc9110#section-15.6.4", null),
        })
        {
            var example = new JsonObject
            {
                ["type"] = type,
                ["title"] = title,
                ["status"] = status,
                ["detail"] = status == 400 ? "The request's parameters are malformed." : status == 409 ? "The request contradicts what is stored." : Problems.DefaultDetail(status),
                ["traceId"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            };
            if (errors is not null)
                example["errors"] = Parse(errors);
            var headers = RateLimitHeaders();
            if (status is 429 or 503)
                headers["Retry-After"] = new JsonObject { ["$ref"] = "#/components/headers/Retry-After" };
            if (status == 401)
                headers["WWW-Authenticate"] = new JsonObject { ["$ref"] = "#/components/headers/WWW-Authenticate" };
            refusals[Text(status)] = new JsonObject
            {
                ["description"] = Meaning(status),
                ["headers"] = headers,
                ["content"] = new JsonObject
                {
                    [Problem] = new JsonObject { ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" }, ["example"] = example },
                },
            };
        }

        return refusals;
    }

    private static string Meaning(int status) => status switch
    {
        400 => "Something of the request is malformed; `errors` says what.",
        401 => "The token is missing, malformed, expired, or not one of this service.",
        403 => "The token is valid, but does not reach this far.",
        404 => "Not there, or not the caller's: the two answers do not differ.",
        405 => "Another method; `Allow` names those there are.",
        409 => "An event id is known with other content, or a subject as something else. Nothing of the request is stored.",
        413 => "The body is larger than 4 MiB, or holds more than 1,000 events.",
        415 => "The body is of a content type that is not read here.",
        416 => "The range that was asked for lies behind the end.",
        429 => "Over the limit; `Retry-After` says how many seconds to wait.",
        500 => "The service failed; the trace id finds the reason in its logs.",
        _ => "The service cannot answer just now; `Retry-After` says how many seconds to wait.",
    };

    private static readonly string[] RateLimitNames = ["RateLimit", "RateLimit-Policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

    private static JsonObject RateLimitHeaders() =>
        new(RateLimitNames.Select(name => KeyValuePair.Create<string, JsonNode?>(name, new JsonObject { ["$ref"] = $"#/components/headers/{name}" })));

    private static JsonObject Headers() => Parse(
        """
        { "RateLimit": { "description": "Requests left and seconds until the window ends.", "schema": { "type": "string" }, "example": "\"default\";r=599;t=42" },
          "RateLimit-Policy": { "description": "Requests in a window, and its seconds.", "schema": { "type": "string" }, "example": "\"default\";q=600;w=60" },
          "x-ratelimit-limit": { "description": "Requests in a window.", "schema": { "type": "integer" } },
          "x-ratelimit-remaining": { "description": "Requests left.", "schema": { "type": "integer" } },
          "x-ratelimit-reset": { "description": "Seconds until the window ends.", "schema": { "type": "integer" } },
          "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer" } },
          "WWW-Authenticate": { "description": "How to authenticate.", "schema": { "type": "string" }, "example": "Bearer" },
          "Accept-Ranges": { "description": "A part can be asked for by `Range: bytes=…`.", "schema": { "type": "string", "const": "bytes" } } }
        """);

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    private static string Text(int status) => status.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
