using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Ingestion;

/// <summary>Something wrong with an event of a request.</summary>
/// <param name="Index">The event's index in the request; -1 for the request as a whole.</param>
/// <param name="EventId">The event's <c>id</c> as it came, where it has one.</param>
/// <param name="Path">JSON path within the event, such as <c>data.answer.score</c>; empty for the event itself.</param>
/// <param name="Message">What is wrong; continues the path: "must be …".</param>
public sealed record EventProblem(int Index, string? EventId, string Path, string Message)
{
    /// <summary>JSON path from the batch, such as <c>[3].data.answer.score</c>.</summary>
    public string Key => (Index, Path) switch
    {
        ( < 0, _) => "$",
        (_, "") => $"[{Index}]",
        _ => $"[{Index}].{Path}",
    };
}

/// <summary>What a request's bytes hold: the events, or what is wrong with them.</summary>
internal sealed record CloudEvents(IReadOnlyList<IncomingEvent> Events, IReadOnlyList<EventProblem> Problems, int Count);

/// <summary>Which shapes of body a content type allows.</summary>
[Flags]
internal enum CloudEventShapes
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>One event, an object.</summary>
    Single = 1,

    /// <summary>An array of events.</summary>
    Batch = 2,
}

/// <summary>Bytes → events or problems. Pure; CloudEvents 1.0, JSON event format and JSON batch format.</summary>
internal static class CloudEventReader
{
    /// <summary>An event's size in bytes of JSON.</summary>
    public const int MaxEventBytes = 256 * 1024;

    /// <summary>Events in a request.</summary>
    public const int MaxEvents = 1_000;

    // As deep as may be, so that too deep an event is a problem of that event and not of the request.
    private const int ScanDepth = int.MaxValue;

    private const int MaxSource = 2_048;

    /// <summary>How many fields of an event are named as wrong.</summary>
    internal const int MaxProblemsPerEvent = 100;

    /// <summary>After this many wrong fields the rest of the request is not looked at: naming them all costs more than it helps.</summary>
    internal const int MaxProblems = 10_000;

    /// <summary>A content type's media type in lower case; null when it is not well formed, or not in UTF-8.</summary>
    public static string? MediaTypeOf(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && (type.Charset.Length == 0 || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            ? type.MediaType.Value!.ToLowerInvariant()
            : null;

    /// <summary>Which shapes of body a content type allows; none when it is not one of CloudEvents in JSON, or not in UTF-8.</summary>
    public static CloudEventShapes ShapesOf(string? contentType) => MediaTypeOf(contentType) switch
    {
        "application/cloudevents+json" => CloudEventShapes.Single,
        "application/cloudevents-batch+json" => CloudEventShapes.Batch,
        "application/json" => CloudEventShapes.Single | CloudEventShapes.Batch,
        _ => CloudEventShapes.None,
    };

    /// <summary>Reads a request's body. Of more than <see cref="MaxEvents"/> events only the count is told.</summary>
    public static CloudEvents Read(ReadOnlySpan<byte> body, CloudEventShapes shapes)
    {
        var events = new List<IncomingEvent>();
        var problems = new List<EventProblem>();
        var (count, looked, wrong) = (0, 0, 0);
        if (!Utf8.IsValid(body))
            return new(events, [new(-1, null, "", "must be UTF-8")], count);

        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = ScanDepth });
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray && shapes.HasFlag(CloudEventShapes.Batch))
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (count < MaxEvents && wrong < MaxProblems)
                        wrong += ReadEvent(ref reader, body, looked++, events, problems);
                    else
                        reader.Skip();
                    count++;
                }

                if (wrong >= MaxProblems && looked < count)
                    problems.Add(new(-1, null, "", FormattableString.Invariant($"has more than {MaxProblems} problems; from event [{looked}] on nothing was looked at")));
            }
            else if (reader.TokenType == JsonTokenType.StartObject && shapes.HasFlag(CloudEventShapes.Single))
            {
                ReadEvent(ref reader, body, 0, events, problems);
                count = 1;
            }
            else
            {
                problems.Add(new(-1, null, "", shapes switch
                {
                    CloudEventShapes.Single => "must be one CloudEvent, a JSON object",
                    CloudEventShapes.Batch => "must be a JSON array of CloudEvents",
                    _ => "must be a CloudEvent or a JSON array of CloudEvents",
                }));
                return new(events, problems, count);
            }

            // Refuses anything after the body.
            reader.Read();
        }
        catch (JsonException e)
        {
            problems.Add(new(-1, null, "", FormattableString.Invariant(
                $"must be JSON; it breaks off at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}, in event [{count}]")));
        }

        return new(events, problems, count);
    }

    /// <summary>Reads one event; tells how much is wrong with it.</summary>
    private static int ReadEvent(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> body, int index, List<IncomingEvent> events, List<EventProblem> problems)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            problems.Add(new(index, null, "", "must be a CloudEvent, a JSON object"));
            reader.Skip();
            return 1;
        }

        var attributes = new Attributes();
        var found = new List<(string Path, string Message)>();
        var start = (int)reader.TokenStartIndex;
        var depth = reader.CurrentDepth;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            attributes.Read(ref reader, body, depth, found);

        if (reader.BytesConsumed - start > MaxEventBytes)
            found.Add(("", FormattableString.Invariant($"must have at most {MaxEventBytes} bytes, not {reader.BytesConsumed - start}")));

        var incoming = attributes.ToEvent(body, found);
        problems.AddRange(found.Take(MaxProblemsPerEvent).Select(problem => new EventProblem(index, attributes.Id, problem.Path, problem.Message)));
        if (found.Count > MaxProblemsPerEvent)
            problems.Add(new(index, attributes.Id, "", FormattableString.Invariant($"has more than {MaxProblemsPerEvent} problems; the rest is not named")));
        if (incoming is not null && found.Count == 0)
            events.Add(incoming);
        return found.Count;
    }

    /// <summary>The attributes of one CloudEvent as they are met. Owned by one call of <see cref="ReadEvent"/>.</summary>
    private sealed class Attributes
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
        private (int Start, int Length)? _data;
        private bool _dataIsSuspicious;

        public string? Id => _texts.GetValueOrDefault("id");

        public void Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, int depth, List<(string Path, string Message)> problems)
        {
            var nameSuspicious = JsonText.IsSuspicious(ref reader, previousIsName: false);
            var name = nameSuspicious ? "" : reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var isText = reader.TokenType == JsonTokenType.String;
            var isUnset = reader.TokenType == JsonTokenType.Null;
            var (suspicious, deepest, longest) = JsonText.Scan(ref reader, depth);
            if (deepest > Json.MaxDepth)
                problems.Add((name, FormattableString.Invariant($"must not be nested deeper than {Json.MaxDepth} levels, the event's own included")));

            if (longest > JsonText.MaxItems)
                problems.Add((name, FormattableString.Invariant($"must not hold a list of more than {JsonText.MaxItems} items, not {longest}")));

            if (!nameSuspicious && !_names.Add(name))
                problems.Add((name, "must be there once"));

            if (name == "data")
            {
                _data = (start, (int)reader.BytesConsumed - start);
                _dataIsSuspicious = suspicious || deepest > Json.MaxDepth;
            }
            else if (isUnset)
            {
                // CloudEvents JSON format, 2.2: a null attribute is one that is not there.
            }
            else if (name == "data_base64")
            {
                problems.Add((name, "is not taken; send JSON as data"));
            }
            else if (isText && !suspicious && !nameSuspicious)
            {
                _texts.TryAdd(name, reader.GetString()!);
            }
            else if (name is "id" or "source" or "specversion" or "type" or "subject" or "time" or "traceparent" or "datacontenttype")
            {
                problems.Add((name, isText ? JsonText.Unstorable : "must be a string"));
            }
        }

        public IncomingEvent? ToEvent(ReadOnlySpan<byte> body, List<(string Path, string Message)> problems)
        {
            if (Text("specversion", problems) is { } version && version != "1.0")
                problems.Add(("specversion", "must be 1.0"));

            if (_texts.TryGetValue("datacontenttype", out var contentType) && !IsJson(contentType))
                problems.Add(("datacontenttype", "must be application/json"));

            var id = Uuid("id", problems);
            var subject = Uuid("subject", problems);
            var source = Text("source", problems);
            if (source is { Length: 0 or > MaxSource })
                problems.Add(("source", "must have 1 to 2,048 characters"));

            DateTimeOffset time = default;
            if (Text("time", problems) is { } timeText && !TimestampConverter.TryParse(timeText, out time))
                problems.Add(("time", TimestampConverter.Problem));

            var type = Text("type", problems) is { } typeText ? Type(typeText, problems) : null;
            var data = type is null ? null : Data(type, body, problems);
            return problems.Count > 0 || data is null
                ? null
                : new IncomingEvent(id, subject, source!, time.ToUniversalTime(), _texts.GetValueOrDefault("traceparent"), type!, data);
        }

        private StreamEvent? Data(EventType type, ReadOnlySpan<byte> body, List<(string Path, string Message)> problems)
        {
            if (_data is not { } data)
            {
                problems.Add(("data", "is required"));
                return null;
            }

            var json = body.Slice(data.Start, data.Length);
            if (problems.Any(problem => problem.Path == "data"))
                return null;

            if (_dataIsSuspicious && WireShape.Problems(json, type.JsonType, "data") is { Count: > 0 } found)
            {
                problems.AddRange(found);
                return null;
            }

            StreamEvent value;
            try
            {
                value = type.Read(json);
            }
            catch (JsonException e)
            {
                // One exception names one problem; the slower look names all of them.
                var all = WireShape.Problems(json, type.JsonType, "data");
                problems.AddRange(all.Count > 0 ? all : [("data", e.Message)]);
                return null;
            }

            problems.AddRange(type.Validate(value).Errors.Select(error => ($"data.{error.PropertyName}", error.ErrorMessage)));
            return value;
        }

        private string? Text(string name, List<(string Path, string Message)> problems)
        {
            if (_texts.TryGetValue(name, out var text))
                return text;

            if (!problems.Any(problem => problem.Path == name))
                problems.Add((name, "is required"));
            return null;
        }

        private Guid Uuid(string name, List<(string Path, string Message)> problems)
        {
            if (Text(name, problems) is not { } text)
                return default;

            if (!Common.Uuid.TryParse(text, out var value) || value == Guid.Empty)
                problems.Add((name, "must be a UUID"));
            return value;
        }

        private static EventType? Type(string name, List<(string Path, string Message)> problems)
        {
            var type = EventCatalogue.Find(name);
            if (type is null)
                problems.Add(("type", "must be an event that this service knows, such as results.TaskAnswered.v1"));
            return type;
        }

        private static bool IsJson(string contentType)
        {
            var mediaType = contentType.AsSpan();
            if (mediaType.IndexOf(';') is >= 0 and var end)
                mediaType = mediaType[..end];
            mediaType = mediaType.Trim();
            return mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
        }
    }
}
