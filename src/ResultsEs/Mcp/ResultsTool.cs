using ModelContextProtocol.Protocol;
using ResultsEs.Http;

namespace ResultsEs.Mcp;

/// <summary>
/// A tool: what an agent reads of it, and the endpoint that answers. Names of arguments are those of the endpoint's parameters.
/// </summary>
/// <param name="Name">The name that agents call it by.</param>
/// <param name="Title">The name that people see.</param>
/// <param name="Description">What it answers, and when to use it.</param>
/// <param name="Arguments">The JSON Schema of its arguments' members.</param>
/// <param name="Output">The JSON Schema of its answer's members.</param>
/// <param name="Endpoint">The endpoint's method.</param>
internal sealed record ResultsTool(
    string Name, string Title, string Description, string Arguments, string Output, EndpointMethod Endpoint)
{
    /// <summary>The names of its arguments.</summary>
    public IReadOnlyList<string> Names { get; } = [.. JsonNode.Parse($"{{{Arguments}}}")!.AsObject().Select(one => one.Key)];

    /// <summary>The arguments that must be there.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>The most items of a page; 0 where the answer is no page, and is asked for by <c>path</c> and <c>offset</c>.</summary>
    public int MaxLimit { get; init; }

    /// <summary>What there is not, when the endpoint answers 404.</summary>
    public required string NotFound { get; init; }

    /// <summary>True when the audit tells each call.</summary>
    public bool IsAudited { get; init; }

    /// <summary>True when an answer says only that there is nothing: a history names what it lacks.</summary>
    public static bool IsUnknown(EndpointAnswer answer) =>
        answer.Status == StatusCodes.Status404NotFound
        && (string?)JsonNode.Parse(answer.Body)!["detail"] == Problems.DefaultDetail(StatusCodes.Status404NotFound);

    /// <summary>What the protocol says of it.</summary>
    public Tool Describe() => new()
    {
        Name = Name,
        Title = Title,
        Description = Description,
        InputSchema = JsonElement.Parse(
            $$"""
            {
              "type": "object",
              "properties": { {{Arguments}} },
              "required": [{{string.Join(", ", Required.Select(name => $"\"{name}\""))}}],
              "additionalProperties": false
            }
            """),
        OutputSchema = JsonElement.Parse($$"""{ "type": "object", "properties": { {{Output}} } }"""),
        Annotations = new ToolAnnotations
        {
            Title = Title,
            ReadOnlyHint = true,
            DestructiveHint = false,
            IdempotentHint = true,
            OpenWorldHint = false,
        },
    };
}
