using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ResultsEs.Contracts;
using ResultsEs.Http;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.Import;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.Common;

/// <summary>
/// How everything is read from and written to JSON: on the wire, in the event store and in the documents. One set of
/// options, so that an event cannot be stored in other words than it was accepted in.
/// </summary>
internal static class Json
{
    /// <summary>How deep an event may be nested (events.md, rule 5).</summary>
    public const int MaxDepth = 32;

    /// <summary>The options; read-only.</summary>
    public static readonly JsonSerializerOptions Options = Create();

    private static readonly JsonSerializerOptions ShownOptions = CreateShown();

    /// <summary>The contract of <typeparamref name="T"/> under <see cref="Options"/>.</summary>
    public static JsonTypeInfo<T> Of<T>() => Cache<T>.TypeInfo;

    /// <summary>The same for what results show: parts of events without the members that this version does not know.</summary>
    public static JsonTypeInfo<T> Shown<T>() => Cache<T>.Shown;

    private static JsonSerializerOptions CreateShown()
    {
        var options = new JsonSerializerOptions(Options) { TypeInfoResolver = Options.TypeInfoResolver!.WithAddedModifier(HideUnknown) };
        options.MakeReadOnly();
        return options;
    }

    private static void HideUnknown(JsonTypeInfo contract)
    {
        if (contract.Type.IsAssignableTo(typeof(EventPart)) && contract.Properties.FirstOrDefault(member => member.IsExtensionData) is { } unknown)
            contract.Properties.Remove(unknown);
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            // Answers are read as JSON and never pasted into a page: URLs keep their &, and texts their letters.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            RespectNullableAnnotations = true,
            AllowDuplicateProperties = false,
            // A stored document wraps what an event held, so it may be deeper than an event.
            MaxDepth = MaxDepth * 2,
            TypeInfoResolver = JsonTypeInfoResolver.Combine(
                [AccessJson.Default, EventJson.Default, SessionResultJson.Default, MediaJson.Default, TestTotalsJson.Default, PostEventsJson.Default, PostEventLinesJson.Default, .. TaskType.All.Select(type => type.Context)]),
        };
        options.Converters.Add(new AnswerConverter());
        options.Converters.Add(new TimestampConverter());
        options.Converters.Add(new TaskAnswerConverter());
        options.Converters.Add(new WireEnumConverter<ProductType>());
        options.Converters.Add(new WireEnumConverter<DemographicType>());
        options.Converters.Add(new WireEnumConverter<SkipReason>());
        options.Converters.Add(new WireEnumConverter<TaskOutcome>());
        options.Converters.Add(new WireEnumConverter<AbandonCause>());
        options.Converters.Add(new WireEnumConverter<SessionStatus>());
        options.Converters.Add(new WireEnumConverter<ClipStream>());
        options.Converters.Add(new WireEnumConverter<PipPosition>());
        options.Converters.Add(new WireEnumConverter<PipState>());
        options.Converters.Add(new WireEnumConverter<RenderingStatus>());
        options.MakeReadOnly();
        return options;
    }

    private static class Cache<T>
    {
        public static readonly JsonTypeInfo<T> TypeInfo = (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));
        public static readonly JsonTypeInfo<T> Shown = (JsonTypeInfo<T>)ShownOptions.GetTypeInfo(typeof(T));
    }
}

/// <summary>A closed enumeration as the contract spells it: <c>NON_THINK_OUT_LOUD</c>, never a number.</summary>
internal sealed class WireEnumConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly Dictionary<T, string> Names =
        Enum.GetValues<T>().ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseUpper.ConvertName(value.ToString()));

    private static readonly Dictionary<string, T> Values =
        Names.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>All values as the contract spells them.</summary>
    public static IReadOnlyCollection<string> AllNames => Names.Values;

    /// <summary>The value as the contract spells it.</summary>
    public static string Name(T value) => Names[value];

    /// <summary>The value that the contract spells so; what was written by <see cref="Name"/>.</summary>
    public static T Value(string name) => Values[name];


    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"must be one of {string.Join(", ", Names.Values)}");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Names[value]);
}

/// <summary>
/// A moment, ISO 8601 with an offset (RFC 3339). Without one it would mean another moment on every node, so it is refused.
/// </summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>What is wrong with a text that is no such moment.</summary>
    public const string Problem = "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z";

    /// <summary>Reads such a moment.</summary>
    public static bool TryParse(string text, out DateTimeOffset value)
    {
        // Round-trips through the JSON reader's own parser, which takes the ISO 8601 extended profile and nothing else.
        value = default;
        return text.Length < 64 && HasOffset(text) && text.AsSpan().IndexOfAny('"', '\\') < 0 && TryRead(text, out value);
    }

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var value) && HasOffset(reader.GetString()!)
            ? value
            : throw new JsonException(Problem);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    private static bool HasOffset(string text) =>
        text.IndexOf('T', StringComparison.Ordinal) is > 0 and var time && text.AsSpan(time).ContainsAny('Z', '+', '-');

    private static bool TryRead(string text, out DateTimeOffset value)
    {
        Span<byte> quoted = stackalloc byte[256];
        var length = Encoding.UTF8.GetBytes($"\"{text}\"", quoted);
        var reader = new Utf8JsonReader(quoted[..length]);
        reader.Read();
        return reader.TryGetDateTimeOffset(out value);
    }
}

/// <summary>A moment in UTC with milliseconds and <c>Z</c>, as every answer of the API spells it.</summary>
internal sealed class MillisecondsUtcConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<char> text = stackalloc char[24];
        value.UtcDateTime.TryFormat(text, out _, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        writer.WriteStringValue(text);
    }
}
