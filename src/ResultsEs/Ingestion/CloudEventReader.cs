using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>A problem of one event of a request, or of the request as a whole.</summary>
/// <param name="Index">The event's index in the request; -1 for the request as a whole.</param>
/// <param name="EventId">The event's <c>id</c> as it was sent; null without a readable one.</param>
/// <param name="Path">JSON path within the event, such as <c>data.answer.score</c>; empty for the event itself.</param>
/// <param name="Message">The rule that is broken; continues the path: "must be …".</param>
public sealed record EventProblem(int Index, string? EventId, string Path, string Message)
{
    /// <summary>JSON path from the batch, such as <c>[3].data.answer.score</c>.</summary>
    public string Key => (Index, Path) switch
    {
        ( < 0, _) => "$",
        (_, "") => $"[{Index}]",
        _ => $"[{Index}].{Path}",
    };

    internal static EventProblem OfRequest(string message) => new(-1, null, "", message);
}

/// <summary>A request as read: its valid events, its problems, and how many events it holds.</summary>
internal sealed record CloudEvents(IReadOnlyList<IncomingEvent> Events, IReadOnlyList<EventProblem> Problems, int Count)
{
    public static CloudEvents Refused(string problem) => new([], [EventProblem.OfRequest(problem)], 0);
}

/// <summary>The shapes of body that a content type allows: one event (a JSON object), a batch (an array), or both.</summary>
[Flags]
internal enum CloudEventShapes
{
    None = 0,
    Single = 1,
    Batch = 2,
}

/// <summary>Reads bytes as CloudEvents 1.0, in the JSON event format or the JSON batch format. Pure.</summary>
internal static class CloudEventReader
{
    /// <summary>The greatest size of an event, in bytes of JSON.</summary>
    public const int MaxEventBytes = 256 * 1024;

    public const int MaxEvents = 1_000;

    // Once a request has this many problems its further events are skipped: to find and send them all costs more than it helps.
    private const int MaxProblems = 10_000;

    private const int MaxSource = 2_048;

    /// <summary>The media type of a content type, in lower case. Null when it is malformed or its charset is not UTF-8.</summary>
    public static string? MediaTypeOf(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && (type.Charset.Length == 0 || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            ? type.MediaType.Value!.ToLowerInvariant()
            : null;

    /// <summary>The shapes of body that a content type allows; none unless it is CloudEvents in JSON and in UTF-8.</summary>
    public static CloudEventShapes ShapesOf(string? contentType) => MediaTypeOf(contentType) switch
    {
        "application/cloudevents+json" => CloudEventShapes.Single,
        "application/cloudevents-batch+json" => CloudEventShapes.Batch,
        "application/json" => CloudEventShapes.Single | CloudEventShapes.Batch,
        _ => CloudEventShapes.None,
    };

    /// <summary>Reads a request's body. Events beyond <see cref="MaxEvents"/> are counted, not read.</summary>
    public static CloudEvents Read(ReadOnlySpan<byte> body, CloudEventShapes shapes)
    {
        if (!Utf8.IsValid(body))
            return CloudEvents.Refused("must be UTF-8");

        var events = new List<IncomingEvent>();
        var problems = new List<EventProblem>();
        var (count, examined, found) = (0, 0, 0);
        // The depth is checked for each event, so that one that is too deep does not refuse the whole request.
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray && shapes.HasFlag(CloudEventShapes.Batch))
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (count < MaxEvents && found < MaxProblems)
                        found += ReadEvent(ref reader, body, examined++, events, problems);
                    else
                        reader.Skip();
                    count++;
                }

                if (found >= MaxProblems && examined < count)
                    problems.Add(EventProblem.OfRequest(
                        $"has more than {MaxProblems} problems; from event [{examined}] on nothing was looked at"));
            }
            else if (reader.TokenType == JsonTokenType.StartObject && shapes.HasFlag(CloudEventShapes.Single))
            {
                ReadEvent(ref reader, body, 0, events, problems);
                count = 1;
            }
            else
            {
                return CloudEvents.Refused(shapes switch
                {
                    CloudEventShapes.Single => "must be one CloudEvent, a JSON object",
                    CloudEventShapes.Batch => "must be a JSON array of CloudEvents",
                    _ => "must be a CloudEvent or a JSON array of CloudEvents",
                });
            }

            // Throws when anything follows the body.
            reader.Read();
        }
        catch (JsonException e)
        {
            problems.Add(EventProblem.OfRequest(
                $"must be JSON; it breaks off at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}, in event [{count}]"));
        }

        return new(events, problems, count);
    }

    /// <summary>Reads one event into <paramref name="events"/>, or its problems into <paramref name="problems"/>.</summary>
    /// <returns>How many problems it has. Only the first <see cref="WireShape.MaxProblems"/> are added.</returns>
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
        var (start, depth) = (reader.TokenStartIndex, reader.CurrentDepth);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            attributes.Read(ref reader, depth);

        var length = reader.BytesConsumed - start;
        if (length > MaxEventBytes)
            attributes.AddProblem("", $"must have at most {MaxEventBytes} bytes, not {length}");

        if (attributes.ToEvent(body) is { } incoming)
            events.Add(incoming);
        var (id, found) = (attributes.Id, attributes.Problems);
        problems.AddRange(found.Take(WireShape.MaxProblems).Select(problem => new EventProblem(index, id, problem.Path, problem.Message)));
        if (found.Count > WireShape.MaxProblems)
            problems.Add(new(index, id, "", $"has more than {WireShape.MaxProblems} problems; the rest is not named"));
        return found.Count;
    }

    /// <summary>The attributes of one CloudEvent, and its problems. Owned by one call of <see cref="ReadEvent"/>.</summary>
    private sealed class Attributes
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
        private Range? _data;
        private bool _dataIsSuspicious;

        public string? Id => _texts.GetValueOrDefault("id");

        public List<(string Path, string Message)> Problems { get; } = [];

        public void AddProblem(string path, string message) => Problems.Add((path, message));

        public void Read(ref Utf8JsonReader reader, int eventDepth)
        {
            var nameIsSuspicious = JsonText.IsSuspicious(ref reader, previousIsName: false);
            var name = nameIsSuspicious ? "" : reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var isText = reader.TokenType == JsonTokenType.String;
            var (isSuspicious, deepest, longest) = JsonText.Scan(ref reader, eventDepth);
            if (deepest > EventJson.MaxDepth)
                AddProblem(name, $"must not be nested deeper than {EventJson.MaxDepth} levels, the event's own included");
            if (longest > JsonText.MaxItems)
                AddProblem(name, $"must not hold a list of more than {JsonText.MaxItems} items, not {longest}");
            if (!nameIsSuspicious && !_names.Add(name))
                AddProblem(name, "must be there once");

            if (name == "data")
            {
                _data = start..(int)reader.BytesConsumed;
                _dataIsSuspicious = isSuspicious || deepest > EventJson.MaxDepth;
                return;
            }

            // A null attribute is an absent one (CloudEvents JSON format, 2.2).
            if (reader.TokenType == JsonTokenType.Null)
                return;

            if (name == "data_base64")
                AddProblem(name, "is not taken; send JSON as data");
            else if (isText && !isSuspicious && !nameIsSuspicious)
                _texts.TryAdd(name, reader.GetString()!);
            else if (name is "id" or "source" or "specversion" or "type" or "subject" or "time" or "traceparent" or "datacontenttype")
                AddProblem(name, isText ? JsonText.Unstorable : "must be a string");
        }

        /// <summary>Checks the attributes. Null when the event has problems.</summary>
        public IncomingEvent? ToEvent(ReadOnlySpan<byte> body)
        {
            if (Text("specversion") is { } version && version != "1.0")
                AddProblem("specversion", "must be 1.0");
            if (_texts.TryGetValue("datacontenttype", out var contentType) && !IsJson(contentType))
                AddProblem("datacontenttype", "must be application/json");
            var id = Uuid("id");
            var subject = Uuid("subject");
            var source = Text("source");
            if (source is { Length: 0 or > MaxSource })
                AddProblem("source", "must have 1 to 2,048 characters");

            DateTimeOffset time = default;
            if (Text("time") is { } timeText && !TimestampConverter.TryParse(timeText, out time))
                AddProblem("time", TimestampConverter.Problem);

            EventType? type = null;
            if (Text("type") is { } typeText && (type = EventCatalogue.Find(typeText)) is null)
                AddProblem("type", "must be an event that this service knows, such as results.TaskAnswered.v1");

            var data = type is null ? null : Data(type, body);
            return Problems.Count > 0 || data is null
                ? null
                : new IncomingEvent(id, subject, source!, time.ToUniversalTime(), _texts.GetValueOrDefault("traceparent"), type!, data);
        }

        private StreamEvent? Data(EventType type, ReadOnlySpan<byte> body)
        {
            if (_data is not { } data)
            {
                AddProblem("data", "is required");
                return null;
            }

            if (HasProblem("data"))
                return null;

            var json = body[data];
            if (_dataIsSuspicious && WireShape.Problems(json, type.JsonType, "data") is { Count: > 0 } found)
            {
                Problems.AddRange(found);
                return null;
            }

            try
            {
                var value = type.Read(json);
                Problems.AddRange(type.Validate(value).Errors.Select(error => ($"data.{error.PropertyName}", error.ErrorMessage)));
                return value;
            }
            catch (JsonException e)
            {
                // An exception names one problem; the slower check names all.
                var all = WireShape.Problems(json, type.JsonType, "data");
                Problems.AddRange(all.Count > 0 ? all : [("data", e.Message)]);
                return null;
            }
        }

        private bool HasProblem(string path) => Problems.Any(problem => problem.Path == path);

        private string? Text(string name)
        {
            if (_texts.TryGetValue(name, out var text))
                return text;

            if (!HasProblem(name))
                AddProblem(name, "is required");
            return null;
        }

        private Guid Uuid(string name)
        {
            if (Text(name) is not { } text)
                return default;

            if (!Common.Uuid.TryParse(text, out var value) || value == Guid.Empty)
                AddProblem(name, "must be a UUID");
            return value;
        }

        private static bool IsJson(string contentType)
        {
            var mediaType = contentType.Split(';', 2)[0].Trim();
            return mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
        }
    }
}
