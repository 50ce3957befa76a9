namespace ResultsEs.OpenApi;

/// <summary>
/// A refusal, whose description all endpoints share. <paramref name="Section"/> of RFC 9110 defines the status; it is empty for 429, which
/// has a problem type of its own.
/// </summary>
internal sealed record Refusal(int Status, string Section, string Title, string Meaning)
{
    public static IReadOnlyList<Refusal> All { get; } =
    [
        new(400, "15.5.1", "Bad Request", "Something of the request is malformed; `errors` says what."),
        new(401, "15.5.2", "Unauthorized", "The token is missing, malformed, expired, or not one of this service."),
        new(403, "15.5.4", "Forbidden", "The token is valid, but does not reach this far."),
        new(404, "15.5.5", "Not Found", "Not there, or not the caller's: the two answers do not differ."),
        new(405, "15.5.6", "Method Not Allowed", "Another method; `Allow` names those there are."),
        new(409, "15.5.10", "Conflict",
            "An event id is known with other content, or a subject as something else. Nothing of the request is stored."),
        new(413, "15.5.14", "Payload Too Large", "The body is larger than 4 MiB, or holds more than 1,000 events."),
        new(415, "15.5.16", "Unsupported Media Type", "The body is of a content type that is not read here."),
        new(416, "15.5.17", "Range Not Satisfiable", "The range that was asked for lies behind the end."),
        new(429, "", "Too Many Requests", "Over the limit; `Retry-After` says how many seconds to wait."),
        new(500, "15.6.1", "An error occurred while processing your request.",
            "The service failed; the trace id finds the reason in its logs."),
        new(503, "15.6.4", "Service Unavailable", "The service cannot answer just now; `Retry-After` says how many seconds to wait."),
    ];

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
        return problem;
    }
}
