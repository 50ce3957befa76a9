namespace ResultsEs.Common;

/// <summary>
/// Finds valid JSON that PostgreSQL's <c>jsonb</c> cannot store, or would store much larger, while skipping over a value. This is
/// U+0000, half surrogate pairs and numbers with great exponents (PostgreSQL manual, "JSON Types" and "Numeric Types").
/// </summary>
internal static class JsonText
{
    public const string Unstorable = "must not contain U+0000 or half a surrogate pair";

    /// <summary>The most items that a list of an event may have. It bounds the cost of naming all that is wrong with them.</summary>
    public const int MaxItems = 10_000;

    /// <summary>The most characters that a number may have without an exponent. Every double has fewer.</summary>
    public const int MaxNumber = 350;

    public const string LongNumber = "must be a number of at most 350 characters when it is written without an exponent";

    /// <summary>Skips the value whose first token the reader is on, up to its last token.</summary>
    public static JsonScan Scan(ref Utf8JsonReader reader, int eventDepth)
    {
        var suspicious = IsSuspicious(ref reader, previousIsName: true);
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return new(suspicious, 1, 0, Growth(ref reader));

        var (deepest, longest, growth) = (2, 0, 0L);
        var end = reader.CurrentDepth;
        var previousIsName = false;
        // The items so far of the innermost list at each level. Values with more levels are refused for their depth.
        Span<int> items = stackalloc int[EventJson.MaxDepth + 2];
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray && reader.CurrentDepth == end)
                break;

            var level = reader.CurrentDepth - eventDepth;
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                deepest = Math.Max(deepest, level + 1);
                if (level + 1 < items.Length)
                    items[level + 1] = 0;
            }

            if (!previousIsName && level < items.Length
                && reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray))
                longest = Math.Max(longest, ++items[level]);
            suspicious |= IsSuspicious(ref reader, previousIsName);
            growth += Growth(ref reader);
            previousIsName = reader.TokenType == JsonTokenType.PropertyName;
        }

        return new(suspicious, deepest, longest, growth);
    }

    /// <summary>True when the token needs the slow check. It cannot be stored, or is a null where a list expects an item.</summary>
    public static bool IsSuspicious(ref Utf8JsonReader reader, bool previousIsName) => reader.TokenType switch
    {
        JsonTokenType.String or JsonTokenType.PropertyName => reader.ValueIsEscaped && !IsStorable(ref reader),
        JsonTokenType.Number => !IsStorableNumber(reader.ValueSpan),
        JsonTokenType.Null => !previousIsName,
        _ => false,
    };

    public static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);

    public static bool IsStorableNumber(ReadOnlySpan<byte> number) => PlainLength(number) <= MaxNumber;

    /// <summary>The characters of a number without an exponent, which is how <c>jsonb</c> writes it.</summary>
    public static long PlainLength(ReadOnlySpan<byte> number) =>
        number[0] == '-' || number.ContainsAny("eE"u8) ? new JsonNumber(number).PlainLength : number.Length;

    /// <summary>The characters (Unicode scalar values) of a text without half surrogate pairs.</summary>
    public static int Characters(string text)
    {
        var count = text.Length;
        foreach (var unit in text)
            count -= char.IsLowSurrogate(unit) ? 1 : 0;
        return count;
    }

    // By how much a number is longer when it is stored. One that cannot be stored is refused for itself.
    private static long Growth(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && PlainLength(reader.ValueSpan) is <= MaxNumber and var length
            ? Math.Max(0, length - reader.ValueSpan.Length)
            : 0;

    private static bool IsStorable(ref Utf8JsonReader reader)
    {
        try
        {
            return IsStorable(reader.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: no string can hold it.
            return false;
        }
    }
}

/// <summary>What a scan of a value found.</summary>
/// <param name="IsSuspicious">The value needs the slow check; see <see cref="JsonText.IsSuspicious"/>.</param>
/// <param name="Deepest">Its levels, including the event's own.</param>
/// <param name="Longest">The length of its longest list.</param>
/// <param name="Growth">The bytes by which its numbers are longer when they are stored.</param>
internal readonly record struct JsonScan(bool IsSuspicious, int Deepest, int Longest, long Growth);
