using System.Text.Json;
using ResultsEs.Contracts;

namespace ResultsEs.Common;

/// <summary>
/// Finds what is JSON but cannot be stored as PostgreSQL's <c>jsonb</c>, while skipping over a value: U+0000, half
/// surrogate pairs, numbers beyond a double's range (PostgreSQL manual, "JSON Types" and "Numeric Types").
/// </summary>
internal static class JsonText
{
    /// <summary>What is wrong with a text that cannot be stored.</summary>
    public const string Unstorable = "must not contain U+0000 or half a surrogate pair";

    /// <summary>How many items a list of an event may have. Bounds what it costs to name all that is wrong with them.</summary>
    public const int MaxItems = 10_000;

    /// <summary>What is wrong with a number that cannot be stored.</summary>
    public const string OutOfRange = "must be a number of at most 100 digits, from -1e300 to 1e300";

    /// <summary>
    /// Skips the reader's value. Suspicious is one that needs a slow look before it is taken: something unstorable, or
    /// a null where an item of a list is due.
    /// </summary>
    /// <param name="reader">Stands on the value's first token; afterwards on its last.</param>
    /// <param name="eventDepth">The depth of the event that holds the value.</param>
    /// <returns>Whether it is suspicious, how many levels it has, the event's own included, and how many items its longest list.</returns>
    public static (bool Suspicious, int Deepest, int Longest) Scan(ref Utf8JsonReader reader, int eventDepth)
    {
        var suspicious = IsSuspicious(ref reader, previousIsName: true);
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return (suspicious, 1, 0);

        var (deepest, longest) = (2, 0);
        var end = reader.CurrentDepth;
        var previousIsName = false;
        // Items so far of the innermost list at each level; too deep a level is refused for its depth.
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

            if (!previousIsName && level < items.Length && reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray))
                longest = Math.Max(longest, ++items[level]);
            suspicious |= IsSuspicious(ref reader, previousIsName);
            previousIsName = reader.TokenType == JsonTokenType.PropertyName;
        }

        return (suspicious, deepest, longest);
    }

    /// <summary>Whether the reader's token needs a slow look.</summary>
    public static bool IsSuspicious(ref Utf8JsonReader reader, bool previousIsName) => reader.TokenType switch
    {
        JsonTokenType.String or JsonTokenType.PropertyName => reader.ValueIsEscaped && !IsStorable(ref reader),
        JsonTokenType.Number => !IsStorableNumber(reader.ValueSpan),
        JsonTokenType.Null => !previousIsName,
        _ => false,
    };

    /// <summary>Whether a text can be stored.</summary>
    public static bool IsStorable(string text) => !text.Contains('\0', StringComparison.Ordinal);

    /// <summary>Whether a number can be stored.</summary>
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
        int.TryParse(number[(number.IndexOfAny("eE"u8) + 1)..], System.Globalization.NumberStyles.AllowLeadingSign, null, out var exponent)
        && exponent is >= -300 and <= 300;
}
