using System.Globalization;
using System.Text;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions;

/// <summary>Writes WebVTT (W3C Candidate Recommendation of 4 April 2019, "WebVTT: The Web Video Text Tracks Format").</summary>
internal static class WebVtt
{
    private static readonly string[] LineEnds = ["\r\n", "\r", "\n"];

    /// <summary>
    /// The cues as a file: in the order of their begins, which the format asks for, and of one begin the longer first, as players sort them;
    /// overlapping ones stay as they are. A cue that
    /// ends where it begins is given a millisecond, because an end must come after its begin, and one without any text is left out.
    /// </summary>
    public static string Write(IEnumerable<SpokenCue> cues)
    {
        var file = new StringBuilder("WEBVTT\n");
        foreach (var cue in cues.OrderBy(cue => cue.StartMs).ThenByDescending(cue => End(cue)))
        {
            if (Text(cue.Text) is not { Length: > 0 } text)
                continue;

            file.Append('\n').Append(Time(cue.StartMs)).Append(" --> ").Append(Time(End(cue))).Append('\n');
            if (Voice(cue.Speaker) is { Length: > 0 } voice)
                file.Append("<v ").Append(voice).Append('>');
            file.Append(text).Append('\n');
        }

        return file.ToString();
    }

    private static long End(SpokenCue cue) => Math.Max(cue.EndMs, cue.StartMs + 1);

    /// <summary>Hours (two digits or more), minutes, seconds, milliseconds.</summary>
    private static string Time(long ms) =>
        string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000:00}:{ms / 60_000 % 60:00}:{ms / 1_000 % 60:00}.{ms % 1_000:000}");

    /// <summary>Without empty lines, which end a cue; <c>--></c> cannot be left over once <c>&gt;</c> is escaped.</summary>
    private static string Text(string text) =>
        string.Join('\n', Escape(text).Split(LineEnds, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    /// <summary>On one line, which is all an annotation has, and without hyphens at its end that the tag's <c>></c> would make an arrow of.</summary>
    private static string Voice(string? speaker)
    {
        var voice = string.Join(' ', Escape(speaker ?? "").Split(LineEnds, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return voice.EndsWith("--", StringComparison.Ordinal) ? voice[..^1] + "&#45;" : voice;
    }

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
