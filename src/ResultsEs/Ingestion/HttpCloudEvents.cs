using Microsoft.Net.Http.Headers;

namespace ResultsEs.Ingestion;

/// <summary>Reads a CloudEvent from a request in binary mode, with attributes in headers (HTTP Protocol Binding 1.0.2, 3.1).</summary>
internal static class HttpCloudEvents
{
    private const string Prefix = "ce-";

    private static readonly (string Header, string Attribute)[] Attributes =
        [.. BinaryCloudEvents.Attributes.Select(attribute => (Prefix + attribute, attribute))];

    /// <summary>True when headers hold attributes, and the content type is not of events in structured mode or of lines.</summary>
    public static bool IsBinary(HttpRequest request)
    {
        var headers = request.Headers;
        foreach (var (header, _) in Attributes)
        {
            if (headers.ContainsKey(header))
                return CloudEventReader.MediaTypeOf(request.ContentType) is not { } type
                    || !(type.StartsWith("application/cloudevents", StringComparison.Ordinal) || Import.EventLines.IsContentType(type));
        }

        return false;
    }

    /// <summary>Reads the event. What is wrong with an attribute names its header.</summary>
    public static CloudEvents ReadBinary(HttpRequest request, ReadOnlySpan<byte> body)
    {
        var attributes = new List<KeyValuePair<string, string?>>();
        var undecoded = new List<EventProblem>();
        foreach (var (header, attribute) in Attributes)
        {
            foreach (var value in request.Headers[header])
            {
                var text = Decode(value ?? "");
                if (text is null)
                    undecoded.Add(new(0, null, attribute, "must be percent-encoded UTF-8"));
                attributes.Add(new(attribute, text ?? value));
            }
        }

        var read = BinaryCloudEvents.Read(attributes, request.ContentType, body);
        EventProblem[] problems = [.. undecoded, .. read.Problems];
        return problems is [] ? read : new([], [.. problems.Select(Named)], read.Count);
    }

    /// <summary>The text of a header: quotes and percent-encoding are taken off (3.1.3.2). Null when it is encoded wrongly.</summary>
    private static string? Decode(string value) =>
        PercentEncoding.Decode(value is ['"', .., '"'] ? HeaderUtilities.UnescapeAsQuotedString(value).ToString() : value);

    private static EventProblem Named(EventProblem problem) => problem switch
    {
        { Index: < 0 } or { Path: "" } => problem,
        { Path: "datacontenttype" } => problem with { Message = $"{problem.Message} (header Content-Type)" },
        { Path: "data" } => problem with { Message = $"{problem.Message} (the body)" },
        { Path: var path } when path.StartsWith("data.", StringComparison.Ordinal) => problem,
        _ => problem with { Message = $"{problem.Message} (header {Prefix}{problem.Path})" },
    };
}
