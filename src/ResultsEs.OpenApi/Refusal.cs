using System.Net;

namespace ResultsEs.OpenApi;

/// <summary>
/// A refusal, whose description all endpoints share. <paramref name="Section"/> of RFC 9110 defines the status; it is empty for 429, which
/// has a problem type of its own.
/// </summary>
internal sealed record Refusal(int Status, string Section, string Title, string Meaning)
{
    public static IReadOnlyList<Refusal> All { get; } =
    [
        new(400, "15.5.1", "Bad Request", "The request is malformed; `errors` says where."),
        new(401, "15.5.2", "Unauthorized", "The token is missing, malformed, expired, or not one of this service."),
        new(403, "15.5.4", "Forbidden", "The token is valid, but lacks the scope or the workspace."),
        new(404, "15.5.5", "Not Found", "Not found, or not visible to the caller: the two responses are the same."),
        new(405, "15.5.6", "Method Not Allowed", "The path does not take this method; `Allow` lists those it takes."),
        new(408, "15.5.9", "Request Timeout", "The body came too slowly; of a request of lines, `storedThroughLine` says what is stored."),
        new(409, "15.5.10", "Conflict",
            "An event id is known with other content, or a subject is a stream of another kind; of clients: one that cannot be changed "
            + "so; of webhooks: there are as many as there may be. Nothing of the request is stored."),
        new(410, "15.5.11", "Gone", "What the cursor points to is kept no longer; `detail` says how to begin anew."),
        new(413, "15.5.14", "Payload Too Large", "The body is larger than it may be: 4 MiB or 1,000 events, of a webhook 16 KiB."),
        new(415, "15.5.16", "Unsupported Media Type", "The path does not take the body's content type."),
        new(416, "15.5.17", "Range Not Satisfiable", "The requested range is beyond the end."),
        new(422, "15.5.21", "Unprocessable Entity",
            "A session, a highlight reel or a test is as large as it may be; `errors` says which. Nothing of the request is stored, "
            + "and it is no use to send it again."),
        new(429, "", "Too Many Requests",
            "The rate limit is exceeded, or the client has as much under way as it may; `Retry-After` says how many seconds to wait."),
        new(500, "15.6.1", "An error occurred while processing your request.",
            "The service failed; its logs have the reason under the trace id."),
        new(503, "15.6.4", "Service Unavailable", "The service cannot answer now; `Retry-After` says how many seconds to wait."),
    ];

    /// <summary>The name of a refusal's component, such as <c>NotFound</c>: generators name types after it.</summary>
    public static string NameOf(int status) => ((HttpStatusCode)status).ToString();

    /// <summary>The refusal statuses of an endpoint: its own, and those that follow from its parameters and access.</summary>
    public static IEnumerable<int> Of(DescribedEndpoint endpoint)
    {
        var hasId = endpoint.PathParameters.Any() || endpoint.Operation.Query.Any(parameter => parameter.IsRequired);
        return
        [
            .. endpoint.Operation.Refusals,
            .. hasId || endpoint.Operation.Query.Count > 0 ? (int[])[400] : [],
            .. hasId ? (int[])[404] : [],
            .. endpoint.Scope is null ? (int[])[] : [401, 403],
            // Health endpoints lack the refusals that all other endpoints share.
            .. endpoint.Path.StartsWith("/health/", StringComparison.Ordinal) ? (int[])[] : [429, 500, 503],
        ];
    }

    public JsonObject Example()
    {
        var problem = new JsonObject
        {
            ["type"] = Status == 429 ? Problems.QuotaExceeded : $"https://tools.ietf.org/html/rfc9110#section-{Section}",
            ["title"] = Title,
            ["status"] = Status,
            ["detail"] = Status switch
            {
                400 => "The request's parameters are malformed.",
                409 => "The request contradicts what is stored.",
                _ => Problems.DefaultDetail(Status),
            },
            ["traceId"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        };
        if (Status == 400)
            problem["errors"] = JsonNode.Parse("""{ "limit": ["must be a whole number from 1 to 500"] }""");
        else if (Status == 409)
            problem["errors"] = new JsonObject
            {
                ["[3].id"] = new JsonArray("is the id of another event, or of this one with other content; ids are for ever"),
            };
        else if (Status == 422)
            problem["errors"] = new JsonObject
            {
                ["[3].subject"] = new JsonArray("is a session that is full: it may have at most 50000 events"),
            };
        return problem;
    }
}
