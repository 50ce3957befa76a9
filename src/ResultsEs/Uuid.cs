using System.Buffers;

namespace ResultsEs;

/// <summary>A UUID as RFC 9562 writes it: 8-4-4-4-12 hexadecimal digits, in either case.</summary>
internal static class Uuid
{
    private const int Length = 36;

    private static readonly SearchValues<char> Characters = SearchValues.Create("0123456789abcdefABCDEF-");

    // Guid alone also takes white space around, and a sign or 0x in the place of digits.
    public static bool TryParse(string text, out Guid value)
    {
        value = default;
        return text.Length == Length && !text.AsSpan().ContainsAnyExcept(Characters) && Guid.TryParseExact(text, "D", out value);
    }
}
