namespace ResultsEs.Ingestion;

/// <summary>The trace context of an event (W3C Trace Context, 3.2): version, trace id, parent id and flags.</summary>
internal static class TraceParent
{
    private const int Length = 55;
    private const string KnownVersion = "00";

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>
    /// Reads a context, in the words of the version that is known; null when it is malformed. Who cannot read a context goes on
    /// without it (3.2.2.2): tracing never refuses an event.
    /// </summary>
    public static string? Read(string text)
    {
        if (text.Length < Length || text[2] != '-' || text[35] != '-' || text[52] != '-')
            return null;

        var version = text.AsSpan(0, 2);
        var trace = text.AsSpan(3, 32);
        var parent = text.AsSpan(36, 16);
        var flags = text.AsSpan(53, 2);
        // A later version may have more fields.
        var isWhole = text.Length == Length || (version is not KnownVersion && text[Length] == '-');
        return isWhole && IsHexadecimal(version) && IsHexadecimal(trace) && IsHexadecimal(parent) && IsHexadecimal(flags)
            && version is not "ff" && trace.ContainsAnyExcept('0') && parent.ContainsAnyExcept('0')
            ? version is KnownVersion ? text : $"{KnownVersion}-{trace}-{parent}-{flags}"
            : null;
    }

    private static bool IsHexadecimal(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Hexadecimal);
}
