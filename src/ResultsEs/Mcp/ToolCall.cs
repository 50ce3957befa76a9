using Microsoft.Extensions.Primitives;
using ModelContextProtocol.Protocol;
using ResultsEs.Http;

namespace ResultsEs.Mcp;

/// <summary>
/// A call of a tool within a request: its arguments become the parameters of the tool's endpoint, and what that answers the result.
/// A refusal of the endpoint is an error of the tool, in the words of its problem.
/// </summary>
internal sealed partial class ToolCall(HttpContext http, ResultsTool tool)
{
    private const string Rest =
        "Call the tool again with the same arguments, and with the path and the nextOffset (as offset) of a place.";

    private const string RestOfItem = "The item is too long for a list. Ask for it alone, or read it by the API.";

    private readonly Dictionary<string, StringValues> _values = new(StringComparer.Ordinal);

    /// <summary>Answers the call.</summary>
    public async Task<CallToolResult> AnswerAsync(IDictionary<string, JsonElement>? arguments, CancellationToken cancellation)
    {
        if (Read(arguments ?? new Dictionary<string, JsonElement>(StringComparer.Ordinal)) is { } problem)
            return Refused(problem);

        try
        {
            return tool.MaxLimit > 0 ? await PageAsync(cancellation) : await WholeAsync(cancellation);
        }
        catch (Exception e) when (Failures.IsTransient(e) && !cancellation.IsCancellationRequested)
        {
            var cause = e.GetBaseException();
            LogUnavailable(http.RequestServices.GetRequiredService<ILogger<ToolCall>>(), tool.Name, cause.GetType().Name, cause.Message);
            return Refused("The service cannot answer just now. Try again in a few seconds.");
        }
    }

    /// <summary>Reads the arguments; returns what is wrong with them, or null.</summary>
    private string? Read(IDictionary<string, JsonElement> arguments)
    {
        foreach (var (name, value) in arguments)
        {
            if (!tool.Names.Contains(name, StringComparer.Ordinal))
                return $"{Printable.Excerpt(name, 100)}: is no argument of {tool.Name}, which has {string.Join(", ", tool.Names)}";

            IEnumerable<JsonElement> all = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
            var texts = all.Where(one => one.ValueKind != JsonValueKind.Null).Select(Text).ToArray();
            if (Array.Exists(texts, text => text is null))
                return $"{name}: must be a text or a number of at most {ToolSchemas.MaxText} characters";
            if (texts.Length > 0)
                _values[name] = new StringValues(texts);
        }

        return tool.Required.FirstOrDefault(name => !_values.ContainsKey(name)) is { } missing ? $"{missing}: is required" : null;
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { Length: <= ToolSchemas.MaxText } text => text,
        JsonValueKind.Number when value.GetRawText() is { Length: <= ToolSchemas.MaxText } number => number,
        _ => null,
    };

    /// <summary>Answers with a page, of fewer items than asked for where those would be too long.</summary>
    private async Task<CallToolResult> PageAsync(CancellationToken cancellation)
    {
        if (!TryNumber("limit", 1, tool.MaxLimit, Paging.DefaultLimit, out var limit))
            return Refused($"limit: must be a whole number from 1 to {tool.MaxLimit}");

        while (true)
        {
            _values["limit"] = limit.ToString(CultureInfo.InvariantCulture);
            var answer = await EndpointCall.SendAsync(http, tool.Endpoint, _values, cancellation);
            if (answer.Status != StatusCodes.Status200OK)
                return Refused(answer);
            if (answer.Body.Length <= JsonCut.MaxBytes || limit == 1)
                return Answered(JsonCut.Whole(answer.Body, RestOfItem));
            limit = Math.Clamp((int)((long)limit * JsonCut.MaxBytes / answer.Body.Length), 1, limit - 1);
        }
    }

    private async Task<CallToolResult> WholeAsync(CancellationToken cancellation)
    {
        if (!TryNumber("offset", 0, int.MaxValue, 0, out var offset))
            return Refused("offset: must be a whole number from 0 on");
        if (offset > 0 && !_values.ContainsKey("path"))
            return Refused("offset: only with path");

        var answer = await EndpointCall.SendAsync(http, tool.Endpoint, _values, cancellation);
        if (answer.Status != StatusCodes.Status200OK)
            return Refused(answer);
        if (!_values.TryGetValue("path", out var path))
            return Answered(JsonCut.Whole(answer.Body, Rest));
        return JsonCut.Part(answer.Body, path.ToString(), offset, Rest) is { } part
            ? Answered(part)
            : Refused("path: there is nothing at this place. It is a JSON pointer such as /tasks/3");
    }

    private bool TryNumber(string name, int lowest, int highest, int fallback, out int number)
    {
        number = fallback;
        return !_values.TryGetValue(name, out var text)
            || (int.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out number)
                && number >= lowest && number <= highest);
    }

    private CallToolResult Answered(ReadOnlyMemory<byte> json)
    {
        McpAudit.Note(http, tool, _values, StatusCodes.Status200OK);
        return new CallToolResult
        {
            Content = [new TextContentBlock { Text = Encoding.UTF8.GetString(json.Span) }],
            StructuredContent = JsonElement.Parse(json.Span, new JsonDocumentOptions { MaxDepth = Json.Options.MaxDepth }),
        };
    }

    private CallToolResult Refused(EndpointAnswer answer)
    {
        McpAudit.Note(http, tool, _values, answer.Status);
        if (ResultsTool.IsUnknown(answer))
            return Refused(tool.NotFound);

        var problem = JsonNode.Parse(answer.Body)!;
        var errors = problem["errors"]?.AsObject().SelectMany(error => error.Value!.AsArray().Select(text => $"{error.Key}: {text}"));
        var again = answer.RetryAfter.Count > 0 ? $" Try again in {answer.RetryAfter} seconds." : "";
        return Refused(errors is null ? $"{problem["detail"]}{again}" : string.Join('\n', errors));
    }

    private static CallToolResult Refused(string problem) =>
        new() { IsError = true, Content = [new TextContentBlock { Text = problem }] };

    [LoggerMessage(4821, LogLevel.Warning, "A call of the tool {Tool} was not answered: {Kind}: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string tool, string kind, string reason);
}
