namespace ResultsEs.Common;

/// <summary>
/// The size of JSON as it is stored: without blanks between values, with a letter for each escape and numbers without exponents. Limits
/// count it, so that they do not depend on the sender's JSON library.
/// </summary>
internal static class StoredSize
{
    /// <summary>The stored bytes of one valid JSON value.</summary>
    public static long Of(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var (size, isFirst) = (0L, true);
        while (reader.Read())
        {
            var isEnd = reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray;
            var comma = isFirst || isEnd ? 0 : 1;
            size += comma + Of(ref reader);
            isFirst = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray or JsonTokenType.PropertyName;
        }

        return size;
    }

    private static long Of(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        // Quotes, and the colon after a name.
        JsonTokenType.PropertyName => OfText(ref reader) + 3,
        JsonTokenType.String => OfText(ref reader) + 2,
        JsonTokenType.Number => Math.Min(JsonText.PlainLength(reader.ValueSpan), Math.Max(JsonText.MaxNumber, reader.ValueSpan.Length)),
        JsonTokenType.True or JsonTokenType.Null => 4,
        JsonTokenType.False => 5,
        _ => 1,
    };

    private static long OfText(ref Utf8JsonReader reader)
    {
        var text = reader.ValueSpan;
        if (!reader.ValueIsEscaped)
            return text.Length;

        var size = 0L;
        while (text.IndexOf((byte)'\\') is >= 0 and var at)
        {
            var isUnicode = text[at + 1] == 'u';
            size += at + (isUnicode ? OfUnit(text.Slice(at + 2, 4)) : text[at + 1] == '/' ? 1 : 2);
            text = text[(at + (isUnicode ? 6 : 2))..];
        }

        return size + text.Length;
    }

    /// <summary>The bytes of an escaped UTF-16 unit. Both halves of a surrogate pair have two each.</summary>
    private static int OfUnit(ReadOnlySpan<byte> hexadecimal) =>
        int.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) switch
        {
            '"' or '\\' or '\b' or '\t' or '\n' or '\f' or '\r' => 2,
            < 0x20 => 6,
            < 0x80 => 1,
            < 0x800 or (>= 0xD800 and <= 0xDFFF) => 2,
            _ => 3,
        };
}
