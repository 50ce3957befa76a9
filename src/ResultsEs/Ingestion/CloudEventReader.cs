using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>A problem of one event of a request, or of the request as a whole.</summary>
/// <param name="Index">The event's index in the request; -1 for the request as a whole.</param>
/// <param name="EventId">The event's <c>id</c> as it was sent, cut where it is no id but longer; null without a readable one.</param>
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

    /// <summary>How many problems it stands for.</summary>
    internal int Count { get; init; } = 1;

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
    public const int MaxEvents = 1_000;

    // Once a request has this many problems its further events are skipped: to find and send them all costs more than it helps.
    private const int MaxProblems = 10_000;

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

    /// <summary>JSON in UTF-8 without the byte-order mark that some programs write before it.</summary>
    public static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> json) =>
        json is [0xEF, 0xBB, 0xBF, ..] ? json[3..] : json;

    /// <summary>Reads a request's body. Events beyond <see cref="MaxEvents"/> are counted, not read.</summary>
    public static CloudEvents Read(ReadOnlySpan<byte> body, CloudEventShapes shapes)
    {
        body = WithoutByteOrderMark(body);
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
    /// <returns>How many problems it has. Only the first <see cref="ProblemList.MaxNamed"/> are named.</returns>
    private static int ReadEvent(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> body, int index, List<IncomingEvent> events, List<EventProblem> problems)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            problems.Add(new(index, null, "", "must be a CloudEvent, a JSON object"));
            reader.Skip();
            return 1;
        }

        var attributes = new CloudEventAttributes();
        var (start, depth) = (reader.TokenStartIndex, reader.CurrentDepth);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            attributes.Read(ref reader, depth);

        attributes.CheckSize(body[(int)start..(int)reader.BytesConsumed]);
        if (attributes.ToEvent(body) is { } incoming)
            events.Add(incoming);
        var found = attributes.Problems;
        var id = found.Count > 0 && attributes.Id is { } sent ? Printable.Excerpt(sent, JsonPath.MaxName) : null;
        problems.AddRange(found.Named.Select(problem => new EventProblem(index, id, problem.Path, problem.Message)));
        if (found.Count - found.Named.Count is > 0 and var more)
            problems.Add(new(index, id, "", $"and {more} more problems, which are not named") { Count = more });
        return found.Count;
    }
}
