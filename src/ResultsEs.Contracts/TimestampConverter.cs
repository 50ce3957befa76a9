using System.Text;

namespace ResultsEs.Contracts;

/// <summary>
/// A time in ISO 8601 with an offset (RFC 3339), its <c>T</c> and <c>Z</c> in either case. Without an offset it would depend on the
/// node's time zone, so it is refused.
/// </summary>
public sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The message for a text that is no such time.</summary>
    public const string Problem = "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z";

    /// <summary>Reads such a time; false for any other text.</summary>
    public static bool TryParse(string text, out DateTimeOffset value)
    {
        value = default;
        if (text.Length >= 64 || text.AsSpan().ContainsAny('"', '\\') || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return false;

        // The JSON reader's own parser takes the ISO 8601 extended profile and nothing else. T and Z are its only letters.
        Span<byte> quoted = stackalloc byte[256];
        var length = Encoding.UTF8.GetBytes($"\"{text.ToUpperInvariant()}\"", quoted);
        var reader = new Utf8JsonReader(quoted[..length]);
        return reader.Read() && reader.TryGetDateTimeOffset(out value) && HasOffset(reader.ValueSpan);
    }

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException(Problem);
        if (reader is { ValueIsEscaped: false, HasValueSequence: false }
            && reader.TryGetDateTimeOffset(out var value) && HasOffset(reader.ValueSpan))
            return value;
        return TryParse(reader.GetString()!, out value) ? value : throw new JsonException(Problem);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);

    private static bool HasOffset(ReadOnlySpan<byte> text) =>
        text.IndexOf((byte)'T') is > 0 and var time && text[time..].ContainsAny("Z+-"u8);
}
