using System.Text.Json.Nodes;
using ResultsEs.Common;

namespace ResultsEs.Http;

/// <summary>The groups of the API's description, in its order.</summary>
internal enum ApiTag
{
    Sessions,
    Media,
    Tests,
    Events,
    Service,
}

/// <summary>
/// What the OpenAPI description says of an endpoint beyond its code. It is a static field of the endpoint's class, whose attributes say
/// method, path and scope.
/// </summary>
/// <param name="Id">The operation's id, which names the method of a generated client.</param>
/// <param name="Tag">The group it is shown in.</param>
/// <param name="Summary">A few words.</param>
internal sealed record Operation(string Id, ApiTag Tag, string Summary)
{
    /// <summary>Method and path of an endpoint without attributes, which needs no token; null where there are attributes.</summary>
    public (string Method, string Path)? Route { get; init; }

    /// <summary>What a client has to know beyond the response's own description; CommonMark.</summary>
    public string? Text { get; init; }

    /// <summary>The query's parameters.</summary>
    public IReadOnlyList<QueryParameter> Query { get; init; } = [];

    /// <summary>The responses of success.</summary>
    public required IReadOnlyList<Reply> Replies { get; init; }

    /// <summary>Statuses of refusals that only this endpoint has; those that follow from parameters and access are added.</summary>
    public IReadOnlyList<int> Refusals { get; init; } = [];
}

/// <summary>A parameter of a query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">What it does; CommonMark.</param>
/// <param name="Schema">Its values, as JSON Schema writes them.</param>
/// <param name="IsRequired">Whether a request without it is refused.</param>
internal sealed record QueryParameter(string Name, string Text, string Schema, bool IsRequired = false)
{
    public const string Uuid = """{ "type": "string", "format": "uuid" }""";
    public const string Time = """{ "type": "string", "format": "date-time" }""";

    /// <summary>The values of a closed enumeration.</summary>
    public static string OneOf(IEnumerable<string> words) =>
        $$"""{ "type": "string", "enum": [{{string.Join(", ", words.Select(word => $"\"{word}\""))}}] }""";
}

/// <summary>A response that is no problem details.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Text">What it means.</param>
/// <param name="ContentType">The body's media type.</param>
/// <param name="Type">What the JSON in the body holds; null for a body of text.</param>
internal sealed record Reply(int Status, string Text, string ContentType, Type? Type = null)
{
    /// <summary>200 with JSON.</summary>
    public static Reply Ok<T>(string text) => Json<T>(StatusCodes.Status200OK, text);

    /// <summary>Another status with JSON.</summary>
    public static Reply Json<T>(int status, string text) => new(status, text, "application/json", typeof(T));
}
