namespace ResultsEs.Common;

/// <summary>UUIDs in the form of RFC 9562, in either case.</summary>
internal static class Uuid
{
    /// <summary>Reads a UUID strictly; <see cref="Guid"/>'s own parser also takes blanks around it, signs and <c>0x</c>.</summary>
    public static bool TryParse(string text, out Guid value)
    {
        value = default;
        return text.Length == 36
            && !text.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF-")
            && Guid.TryParseExact(text, "D", out value);
    }
}
