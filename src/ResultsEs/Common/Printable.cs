namespace ResultsEs.Common;

/// <summary>
/// Senders' texts, made safe for terminals, log lines and refusals. Control characters and marks of writing direction could clear a
/// screen or forge a line. They become escapes such as <c>\u001b</c>, which JSON reads as the same characters.
/// </summary>
internal static class Printable
{
    // C0, DEL and C1; Unicode's own ends of lines; the marks, embeddings, overrides and isolates of UAX #9.
    private static readonly char[] Unsafe =
    [
        .. Enumerable.Range(0, 0x20).Concat(Enumerable.Range(0x7F, 0x21)).Select(code => (char)code),
        '\u2028', '\u2029',
        '\u061C', '\u200E', '\u200F', '\u202A', '\u202B', '\u202C', '\u202D', '\u202E', '\u2066', '\u2067', '\u2068', '\u2069',
    ];

    private static readonly SearchValues<char> UnsafeInLine = SearchValues.Create(Unsafe);
    private static readonly SearchValues<char> UnsafeInLines = SearchValues.Create([.. Unsafe.Except(['\n', '\t'])]);

    /// <summary>True when a terminal shows the text as it is, on one line.</summary>
    public static bool IsLine(string text) => !text.AsSpan().ContainsAny(UnsafeInLine);

    /// <summary>The text on one line.</summary>
    public static string Line(string text) => Escaped(text, UnsafeInLine);

    /// <summary>The text on as many lines as it has.</summary>
    public static string Lines(string text) => Escaped(text, UnsafeInLines);

    /// <summary>The text on one line, cut where it has more than <paramref name="most"/> UTF-16 units. No character is halved.</summary>
    public static string Excerpt(string text, int most)
    {
        if (text.Length <= most)
            return Line(text);

        var end = char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return Line(text[..end]) + "…";
    }

    /// <summary>The same JSON, whose strings have escapes in place of such characters. It has no line breaks.</summary>
    public static byte[] JsonLine(byte[] json) => Encoding.UTF8.GetBytes(Line(Encoding.UTF8.GetString(json)));

    private static string Escaped(string text, SearchValues<char> toEscape)
    {
        if (!text.AsSpan().ContainsAny(toEscape))
            return text;

        var escaped = new StringBuilder(text.Length + 32);
        foreach (var unit in text)
            _ = toEscape.Contains(unit) ? escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}") : escaped.Append(unit);
        return escaped.ToString();
    }
}
