using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace ResultsEs.Mcp;

/// <summary>The resource <c>results://sessions/{sessionId}</c>: what the tool <c>get_session</c> answers.</summary>
internal static class SessionResource
{
    private const string Prefix = "results://sessions/";

    public static readonly ResourceTemplate Template = new()
    {
        Name = "session",
        Title = "A session",
        UriTemplate = Prefix + "{sessionId}",
        Description =
            "One session, as the tool get_session answers it. A long session is cut, and cut says where; the tool reads the rest.",
        MimeType = "application/json",
    };

    /// <summary>Reads a session by its address.</summary>
    /// <exception cref="McpProtocolException">There is none for this caller, or the address is none.</exception>
    public static async Task<ReadResourceResult> ReadAsync(HttpContext http, string uri, CancellationToken cancellation)
    {
        if (!uri.StartsWith(Prefix, StringComparison.Ordinal) || !Uuid.TryParse(uri[Prefix.Length..], out var session))
            throw new McpProtocolException(
                $"There are resources of sessions alone: {Template.UriTemplate}", McpErrorCode.ResourceNotFound);

        var arguments = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["sessionId"] = JsonElement.Parse($"\"{session}\""),
        };
        var answer = await new ToolCall(http, ResultsTools.ByName["get_session"]).AnswerAsync(arguments, cancellation);
        var text = ((TextContentBlock)answer.Content[0]).Text;
        if (answer.IsError == true)
            throw new McpProtocolException(text, McpErrorCode.ResourceNotFound);
        return new ReadResourceResult
        {
            Contents = [new TextResourceContents { Uri = uri, MimeType = Template.MimeType, Text = text }],
        };
    }
}
