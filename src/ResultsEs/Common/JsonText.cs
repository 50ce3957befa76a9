namespace ResultsEs.Common;

/// <summary>
/// Finds valid JSON that PostgreSQL's <c>jsonb</c> cannot store, while skipping over a value. This is U+0000, half surrogate pairs
/// and numbers beyond a double's range (PostgreSQL manual, "JSON Types" and "Numeric Types").
/// </summary>
internal static class JsonText
{
    public const string Unstorable = "must not contain U+0000 or half a surrogate pair";

    /// <summary>The most items that a list of an event may have. It bounds the cost of naming all that is wrong with them.</summary>
    public const int MaxItems = 10_000;

    public const string OutOfRange = "must be a number of at most 100 digits, from -1e300 to 1e300";

    /// <summary>Skips the value whose first token the reader is on, up to its last token.</summary>
    /// <returns>
    /// Whether the value is suspicious (see <see cref="IsSuspicious"/>), its levels including the event's own, and the length of its
    /// longest list.
    /// </returns>
    public static (bool Suspicious, int Deepest, int Longest) Scan(ref Utf8JsonReader reader, int eventDepth)
    {
        var suspicious = IsSuspicious(ref reader, previousIsName: true);
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return (suspicious, 1, 0);

        var (deepest, longest) = (2, 0);
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
            previousIsName = reader.TokenType == JsonTokenType.PropertyName;
        }

        return (suspicious, deepest, longest);
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

    public static bool IsStorableNumber(ReadOnlySpan<byte> number) =>
        number.Length <= 100 && (!number.ContainsAny("eE"u8) || IsSmallExponent(number));

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

    private static bool IsSmallExponent(ReadOnlySpan<byte> number) =>
        int.TryParse(number[(number.IndexOfAny("eE"u8) + 1)..], NumberStyles.AllowLeadingSign, null, out var exponent)
        && exponent is >= -300 and <= 300;
}
