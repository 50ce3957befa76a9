using System.Text;

namespace ResultsEs.Contracts;

/// <summary>A time in ISO 8601 with an offset (RFC 3339). Without one it would depend on the node's time zone, so it is refused.</summary>
public sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The message for a text that is no such time.</summary>
    public const string Problem = "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z";

    /// <summary>Reads such a time; false for any other text.</summary>
    public static bool TryParse(string text, out DateTimeOffset value)
    {
        value = default;
        if (text.Length >= 64 || !HasOffset(text) || text.AsSpan().ContainsAny('"', '\\'))
            return false;

        // The JSON reader's own parser takes the ISO 8601 extended profile and nothing else.
        Span<byte> quoted = stackalloc byte[256];
        var length = Encoding.UTF8.GetBytes($"\"{text}\"", quoted);
        var reader = new Utf8JsonReader(quoted[..length]);
        reader.Read();
        return reader.TryGetDateTimeOffset(out value);
    }

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var value) && HasOffset(reader.GetString()!)
            ? value
            : throw new JsonException(Problem);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);

    private static bool HasOffset(string text) =>
        text.IndexOf('T', StringComparison.Ordinal) is > 0 and var time && text.AsSpan(time).ContainsAny('Z', '+', '-');
}
