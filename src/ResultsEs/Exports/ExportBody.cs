using Microsoft.Extensions.Primitives;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary>The JSON body of a request for an export, which may say what the query can say.</summary>
internal static class ExportBody
{
    /// <summary>The most bytes of a body.</summary>
    public const int MaxBytes = 16 * 1024;

    // The members are the query's parameters.
    private const string Table = "table";
    private const string Mark = "bom";

    private const string Malformed = "The request's body is not as it should be.";
    private const int MaxNamed = 20;

    private static readonly string[] Members = ["testId", "workspaceId", "format", Table, Mark, "since"];

    /// <summary>Adds the members of the body, if there is one, to the request's query; or returns the refusal.</summary>
    public static async Task<IResult?> AddToQueryAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (await SmallBody.ReadAsync(request, MaxBytes, cancellation) is not { } body)
            return Problems.Of(StatusCodes.Status413PayloadTooLarge, $"What an export is asked by may have at most {MaxBytes} bytes.");
        if (body.Length == 0)
            return null;
        if (!request.HasJsonContentType())
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "Send application/json, in UTF-8, or no body.");

        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var query = request.Query.ToDictionary(parameter => parameter.Key, parameter => parameter.Value, StringComparer.OrdinalIgnoreCase);
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                errors["$"] = ["must be an object"];
            else
                AddAll(document.RootElement, query, errors);
        }
        // The second: a text of half a surrogate pair, which is found when it is read.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            errors["$"] = ["must be JSON, in which no member comes twice"];
        }

        request.Query = new QueryCollection(query);
        return errors.Count == 0 ? null : Problems.BadRequest(Malformed, errors);
    }

    private static void AddAll(JsonElement root, Dictionary<string, StringValues> query, Dictionary<string, string[]> errors)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (errors.Count < MaxNamed && Add(member, query) is { } problem)
                errors.TryAdd(Printable.Excerpt(member.Name, 100), [problem]);
        }
    }

    /// <summary>Adds a member; or says what is wrong with it. What its values may be is said of the parameter.</summary>
    private static string? Add(JsonProperty member, Dictionary<string, StringValues> query)
    {
        if (!Members.Contains(member.Name, StringComparer.Ordinal))
            return $"is not a member of an export; there are {string.Join(", ", Members)}";
        if (member.Value.ValueKind == JsonValueKind.Null)
            return null;
        if (query.ContainsKey(member.Name) || query.ContainsKey(member.Name + "[]"))
            return "must be there once";
        if (Values(member) is not { } values)
            return member.Name switch
            {
                Table => "must be a list of texts",
                Mark => "must be true or false",
                _ => "must be a text or null",
            };

        if (values.Count > 0)
            query.Add(member.Name, values);
        return null;
    }

    private static StringValues? Values(JsonProperty member) => (member.Name, member.Value.ValueKind) switch
    {
        (Mark, JsonValueKind.True) => new StringValues("true"),
        (Mark, JsonValueKind.False) => new StringValues("false"),
        (Table, JsonValueKind.Array) => member.Value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? new StringValues([.. member.Value.EnumerateArray().Select(item => item.GetString())])
            : (StringValues?)null,
        (not (Mark or Table), JsonValueKind.String) => new StringValues(member.Value.GetString()),
        _ => null,
    };
}
