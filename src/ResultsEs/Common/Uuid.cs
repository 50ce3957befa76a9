namespace ResultsEs.Common;

/// <summary>A UUID as RFC 9562 spells it, in either case.</summary>
internal static class Uuid
{
    private const int Length = 36;

    /// <summary>Reads a UUID. <see cref="Guid"/>'s own parser also takes blanks around it, and signs and <c>0x</c> within.</summary>
    public static bool TryParse(string text, out Guid value)
    {
        value = default;
        return text.Length == Length
            && !text.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF-")
            && Guid.TryParseExact(text, "D", out value);
    }
}
