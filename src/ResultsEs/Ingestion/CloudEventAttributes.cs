using System.Text.Unicode;
using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>The attributes of one CloudEvent, and its problems. Owned by one call of <see cref="CloudEventReader"/>.</summary>
internal sealed class CloudEventAttributes
{
    private const int MaxSource = 2_048;
    private const string NotBesideData = "must not be there beside data";

    // Those whose problems decide what else is looked at.
    private static readonly HashSet<string> Known =
        new([.. BinaryCloudEvents.Attributes, "datacontenttype", "data", "data_base64"], StringComparer.Ordinal);

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private HashSet<string>? _wrong;
    private Range? _data;
    private bool _dataIsNull;

    // Of the data.
    private JsonScan _scan;

    // The data that came as data_base64, and the bytes that its text has.
    private byte[]? _decoded;
    private long _base64Bytes;

    public string? Id => _texts.GetValueOrDefault("id");

    public ProblemList Problems { get; } = new();

    public void Read(ref Utf8JsonReader reader, int eventDepth)
    {
        var nameIsSuspicious = JsonText.IsSuspicious(ref reader, previousIsName: false);
        var name = nameIsSuspicious ? "" : reader.GetString()!;
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var isText = reader.TokenType == JsonTokenType.String;
        var scan = JsonText.Scan(ref reader, eventDepth);
        var isSuspicious = scan.IsSuspicious;
        CheckShape(name, scan);
        if (!nameIsSuspicious && !_names.Add(name))
            AddProblem(name, "must be there once");

        if (name == "data")
        {
            // Beside data_base64 a null is an absent member.
            _dataIsNull = reader.TokenType == JsonTokenType.Null;
            if (_decoded is null)
                (_data, _scan) = (start..(int)reader.BytesConsumed, scan);
            else if (!_dataIsNull)
                AddProblem("data_base64", NotBesideData);
            return;
        }

        // A null attribute is an absent one (CloudEvents JSON format, 2.2).
        if (reader.TokenType == JsonTokenType.Null)
            return;

        if (name == "data_base64")
            Decode(ref reader, isSuspicious);
        else if (isText && !isSuspicious && !nameIsSuspicious)
            _texts.TryAdd(name, reader.GetString()!);
        else if (name == "datacontenttype" || BinaryCloudEvents.Attributes.Contains(name, StringComparer.Ordinal))
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
        if (Placement.IsKey(subject))
            AddProblem("subject", "must not be a UUID of version 15, which is no version of any");
        var source = Text("source");
        if (source is not null && (source.Length == 0 || JsonText.Characters(source) > MaxSource))
            AddProblem("source", "must have 1 to 2,048 characters");
        else if (source is not null && !IsPlain(source))
            AddProblem("source", "must have no control characters, noncharacters or marks of writing direction");

        DateTimeOffset time = default;
        if (Text("time") is { } timeText && !TimestampConverter.TryParse(timeText, out time))
            AddProblem("time", TimestampConverter.Problem);

        EventType? type = null;
        if (Text("type") is { } typeText && (type = EventCatalogue.Find(typeText)) is null)
            AddProblem("type", "must be an event that this service knows, such as results.TaskAnswered.v1");

        var traceParent = _texts.TryGetValue("traceparent", out var trace) ? TraceParent.Read(trace) : null;
        var data = type is null ? null : Data(type, body);
        return Problems.Count > 0 || data is null
            ? null
            : new IncomingEvent(id, subject, source!, time.ToUniversalTime(), traceParent, type!, data);
    }

    /// <summary>Adds a problem when the event, of which these are the bytes, is larger than its type allows.</summary>
    public void CheckSize(ReadOnlySpan<byte> json)
    {
        var type = _texts.TryGetValue("type", out var name) ? EventCatalogue.Find(name) : null;
        var limit = type?.MaxBytes ?? EventType.UsualMaxBytes;
        // Without the second look: only numbers are longer when they are stored than when they are sent.
        if (json.Length + _scan.Growth <= limit)
            return;

        var size = StoredSize.Of(json) + (_decoded is null ? 0 : StoredSize.Of(_decoded) - _base64Bytes);
        if (size > limit)
            AddProblem("", $"must have at most {limit} bytes as stored, not {size}");
    }

    /// <summary>Takes the data of a <c>data_base64</c>: JSON in UTF-8.</summary>
    private void Decode(ref readonly Utf8JsonReader text, bool isSuspicious)
    {
        const string name = "data_base64";
        // The JSON reader throws at half a surrogate pair.
        if (isSuspicious || text.TokenType != JsonTokenType.String || !text.TryGetBytesFromBase64(out var bytes))
        {
            AddProblem(name, "must be a string of base64");
            return;
        }

        var json = CloudEventReader.WithoutByteOrderMark(bytes);
        if (!Utf8.IsValid(json))
        {
            AddProblem(name, "must be the base64 of JSON in UTF-8");
            return;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            reader.Read();
            // The data's own level is the event's second.
            var scan = JsonText.Scan(ref reader, eventDepth: -1);
            // Throws when anything follows the value.
            reader.Read();
            CheckShape(name, scan);
            if (_data is not null && !_dataIsNull)
                AddProblem(name, NotBesideData);
            else
                (_data, _decoded, _base64Bytes, _scan) = (null, json.ToArray(), text.ValueSpan.Length + 2, scan);
        }
        catch (JsonException e)
        {
            AddProblem(
                name, $"must be the base64 of JSON, which breaks off at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
    }

    private void CheckShape(string name, JsonScan scan)
    {
        if (scan.Deepest > EventJson.MaxDepth)
            AddProblem(name, $"must not be nested deeper than {EventJson.MaxDepth} levels, the event's own included");
        if (scan.Longest > JsonText.MaxItems)
            AddProblem(name, $"must not hold a list of more than {JsonText.MaxItems} items, not {scan.Longest}");
    }

    private StreamEvent? Data(EventType type, ReadOnlySpan<byte> body)
    {
        if (HasProblem("data") || HasProblem("data_base64"))
            return null;

        if (_data is null && _decoded is null)
        {
            AddProblem("data", "is required");
            return null;
        }

        var json = _decoded ?? body[_data!.Value];
        var isSuspicious = _scan.IsSuspicious || _scan.Deepest > EventJson.MaxDepth;
        if (isSuspicious && WireShape.Problems(json, type.JsonType, "data") is { Count: > 0 } found)
        {
            Problems.Add(found.Count, found.Named);
            return null;
        }

        try
        {
            var value = type.Read(json);
            var errors = type.Validate(value).Errors;
            Problems.Add(errors.Count, errors.Select(error => ($"data.{error.PropertyName}", error.ErrorMessage)));
            return value;
        }
        catch (JsonException e)
        {
            // An exception names one problem; the slower check names all.
            var all = WireShape.Problems(json, type.JsonType, "data");
            if (all.Count > 0)
                Problems.Add(all.Count, all.Named);
            else
                AddProblem("data", e.Message);
            return null;
        }
    }

    /// <summary>Adds a problem of an attribute, whose name may be any, or of the whole event.</summary>
    private void AddProblem(string attribute, string message)
    {
        Problems.Add(Printable.Excerpt(attribute, JsonPath.MaxName), message);
        if (Known.Contains(attribute))
            (_wrong ??= new(StringComparer.Ordinal)).Add(attribute);
    }

    private bool HasProblem(string attribute) => _wrong?.Contains(attribute) == true;

    // What the type String of CloudEvents 1.0 excludes. A source is a URI reference, which has no marks of direction (RFC 3987, 4.1).
    private static bool IsPlain(string source) =>
        Printable.IsLine(source)
        && (!source.AsSpan().ContainsAnyExceptInRange('\0', '\uD7FF')
            || source.EnumerateRunes().All(rune => (rune.Value & 0xFFFE) != 0xFFFE && rune.Value is not (>= 0xFDD0 and <= 0xFDEF)));

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

    /// <summary>True for the media types of JSON.</summary>
    public static bool IsJson(string contentType)
    {
        var mediaType = contentType.Split(';', 2)[0].Trim();
        return mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }
}
