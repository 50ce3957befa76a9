namespace ResultsEs.Sessions;

/// <summary>Writes WebVTT (W3C Candidate Recommendation of 4 April 2019, "WebVTT: The Web Video Text Tracks Format").</summary>
internal static class WebVtt
{
    private static readonly string[] LineEnds = ["\r\n", "\r", "\n"];

    /// <summary>
    /// Writes cues as a file, ordered by start as the format requires. On a tie the longer comes first, as players sort them.
    /// A cue that ends where it begins lasts 1 ms, since an end must come after its start. A cue without text is left out.
    /// </summary>
    public static string Write(IEnumerable<SpokenCue> cues)
    {
        var file = new StringBuilder("WEBVTT\n");
        foreach (var cue in InOrder(cues))
        {
            // An empty line would end the cue, so none is left in it.
            if (string.Join('\n', EscapedLines(cue.Text)) is not { Length: > 0 } text)
                continue;

            file.Append('\n').Append(Time(cue.StartMs)).Append(" --> ").Append(Time(End(cue))).Append('\n');
            if (Voice(cue.Speaker) is { Length: > 0 } voice)
                file.Append("<v ").Append(voice).Append('>');
            file.Append(text).Append('\n');
        }

        return file.ToString();
    }

    /// <summary>The order of cues in a file.</summary>
    public static IEnumerable<SpokenCue> InOrder(IEnumerable<SpokenCue> cues) =>
        cues.OrderBy(cue => cue.StartMs).ThenByDescending(cue => End(cue));

    private static long End(SpokenCue cue) => Math.Max(cue.EndMs, cue.StartMs + 1);

    /// <summary>Hours (two digits or more), minutes, seconds, milliseconds.</summary>
    private static string Time(long ms) =>
        string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000:00}:{ms / 60_000 % 60:00}:{ms / 1_000 % 60:00}.{ms % 1_000:000}");

    // An annotation is one line. Hyphens at its end would form an arrow with the tag's ">".
    private static string Voice(string? speaker)
    {
        var voice = string.Join(' ', EscapedLines(speaker ?? ""));
        return voice.EndsWith("--", StringComparison.Ordinal) ? voice[..^1] + "&#45;" : voice;
    }

    // Escaping ">" leaves no "-->" in a text.
    private static string[] EscapedLines(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Split(LineEnds, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
