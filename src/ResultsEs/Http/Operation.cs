using System.Text.Json.Nodes;
using ResultsEs.Common;
using ResultsEs.OpenApi;

namespace ResultsEs.Http;

/// <summary>
/// An endpoint as its description in OpenAPI says: it stands beside the endpoint, and in <see cref="ApiDescription.Operations"/>.
/// </summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The route; what is in braces is a path parameter, a UUID.</param>
/// <param name="Id">The operation's id, which names the method of a generated client.</param>
internal sealed record Operation(string Method, string Path, string Id)
{
    /// <summary>One of <see cref="ApiDescription"/>'s groups.</summary>
    public required string Tag { get; init; }

    /// <summary>A few words.</summary>
    public required string Summary { get; init; }

    /// <summary>What a client has to know beyond the answer's own description; CommonMark.</summary>
    public string? Text { get; init; }

    /// <summary>The scope that a token needs; null for an endpoint that needs no token.</summary>
    public string? Scope { get; init; }

    /// <summary>The query's parameters.</summary>
    public IReadOnlyList<QueryParameter> Query { get; init; } = [];

    /// <summary>The request's body, as OpenAPI writes it; null without one.</summary>
    public Func<Schemas, JsonObject>? Body { get; init; }

    /// <summary>The answers of success.</summary>
    public required IReadOnlyList<Reply> Replies { get; init; }

    /// <summary>The refusals that are this endpoint's own; those of every endpoint (401, 403, 429, 5xx) are added.</summary>
    public IReadOnlyList<int> Refusals { get; init; } = [];
}

/// <summary>A parameter of a query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">What it does; CommonMark.</param>
/// <param name="Schema">Its values, as JSON Schema writes them.</param>
internal sealed record QueryParameter(string Name, string Text, string Schema)
{
    public const string Uuid = """{ "type": "string", "format": "uuid" }""";
    public const string Time = """{ "type": "string", "format": "date-time" }""";

    /// <summary>Whether a request without it is refused.</summary>
    public bool IsRequired { get; init; }

    /// <summary>A value to try.</summary>
    public string? Example { get; init; }

    /// <summary>The values of a closed enumeration.</summary>
    public static string OneOf(IEnumerable<string> words) => $$"""{ "type": "string", "enum": [{{string.Join(", ", words.Select(word => $"\"{word}\""))}}] }""";
}

/// <summary>An answer of success.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Text">What it means.</param>
/// <param name="ContentType">The body's media type.</param>
/// <param name="Type">What the JSON in the body holds; null for another body.</param>
internal sealed record Reply(int Status, string Text, string ContentType, Type? Type)
{
    /// <summary>Examples by name, made of the sample sessions.</summary>
    public IReadOnlyDictionary<string, Func<JsonNode>> Examples { get; init; } = new Dictionary<string, Func<JsonNode>>(StringComparer.Ordinal);

    /// <summary>Whether a range of its bytes can be asked for.</summary>
    public bool HasRanges { get; init; }

    /// <summary>200 with JSON.</summary>
    public static Reply Ok<T>(string text, params (string Name, Func<JsonNode> Example)[] examples) => new(StatusCodes.Status200OK, text, "application/json", typeof(T))
    {
        Examples = examples.ToDictionary(example => example.Name, example => example.Example, StringComparer.Ordinal),
    };
}
