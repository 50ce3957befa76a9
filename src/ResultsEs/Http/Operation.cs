namespace ResultsEs.Http;

/// <summary>The groups of operations in the API's description, in their order.</summary>
internal enum ApiTag
{
    Sessions,
    Media,
    Tests,
    Exports,
    Events,
    Webhooks,
    Privacy,
    Clients,
    Operations,
    Service,
}

/// <summary>
/// The part of an endpoint's OpenAPI description that its code does not say. It is a static field of the endpoint's class, whose
/// attributes say method, path and scope. <paramref name="Id"/> names the method of a generated client.
/// </summary>
internal sealed record Operation(string Id, ApiTag Tag, string Summary)
{
    /// <summary>Method and path of an endpoint without attributes, which needs no token; null for one with attributes.</summary>
    public (string Method, string Path)? Route { get; init; }

    /// <summary>The operation's description in CommonMark: what a client has to know beyond the responses' texts.</summary>
    public string? Text { get; init; }

    public IReadOnlyList<QueryParameter> Query { get; init; } = [];

    /// <summary>The responses that are not refusals.</summary>
    public required IReadOnlyList<Reply> Replies { get; init; }

    /// <summary>Statuses of refusals special to this endpoint; those that follow from parameters and access are added.</summary>
    public IReadOnlyList<int> Refusals { get; init; } = [];
}

/// <summary>A query parameter. <paramref name="Text"/> is CommonMark, <paramref name="Schema"/> a JSON Schema of its values.</summary>
internal sealed record QueryParameter(string Name, string Text, string Schema, bool IsRequired = false)
{
    public const string Uuid = """{ "type": "string", "format": "uuid" }""";
    public const string Time = """{ "type": "string", "format": "date-time" }""";

    /// <summary>The schema of a text to look for.</summary>
    public static readonly string Sought = $$"""{ "type": "string", "minLength": 1, "maxLength": {{RequestParameters.MaxSought}} }""";

    /// <summary>The schema of a closed set of words.</summary>
    public static string OneOf(IEnumerable<string> words) =>
        $$"""{ "type": "string", "enum": [{{string.Join(", ", words.Select(word => $"\"{word}\""))}}] }""";
}

/// <summary>
/// Marks a member that every response has, although its record can lack it. What lacks it is not served yet: a session without its start.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AlwaysServedAttribute : Attribute;

/// <summary>A response other than problem details. <paramref name="Type"/> is that of its JSON; null for text or lines.</summary>
internal sealed record Reply(int Status, string Text, string ContentType, Type? Type = null)
{
    /// <summary>Its headers beyond those of every response; <c>base.json</c> of the description has their texts.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    public static Reply Ok<T>(string text) => Json<T>(StatusCodes.Status200OK, text);

    public static Reply Json<T>(int status, string text) => new(status, text, "application/json", typeof(T));
}
