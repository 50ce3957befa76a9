using System.Text.Encodings.Web;

namespace ResultsEs.Privacy;

/// <summary>A page that a person can read, of what is held about them. It needs nothing but a browser.</summary>
internal static class ParticipantPage
{
    private const string Head =
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>What is held about you</title>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}
        td,th{border-top:1px solid #ccc;padding:.4rem;text-align:left;vertical-align:top}pre{white-space:pre-wrap;margin:0}</style>
        </head><body>
        """;

    private static readonly JsonSerializerOptions Indented = new(Json.Options) { WriteIndented = true };

    public static string Begin(Guid participant, DateTimeOffset now) =>
        $"{Head}<h1>What is held about participant {participant}</h1>\n<p>As of {MillisecondsUtcConverter.Text(now)}. "
        + "The file <code>export.json</code> beside this page holds the same for programs.</p>\n";

    /// <summary>The part of the page about one session.</summary>
    public static string Of(ParticipantSession session)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<h2>Session {session.SessionId}</h2>\n");
        if (session.Result is { } result)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>Test {result.TestId}; {result.Status}");
            if (result.StartTime is { } start)
                page.Append(CultureInfo.InvariantCulture, $"; began {MillisecondsUtcConverter.Text(start)}");
            page.Append("</p>\n");
            Append(page, "Profile", (result.SessionParticipant?.DemographicsInfo ?? []).Select(item =>
                (item.Label ?? item.Code ?? item.Id ?? "", item.Value ?? "")));
            Append(page, "Tasks", result.Tasks.Select(task =>
                (task.Text, task.Response?.Answer is { } answer ? JsonSerializer.Serialize(answer.Payload, Indented) : "no answer")));
        }

        Append(page, "All that is stored, in the order of arrival", session.Events.Select(one =>
            ($"{MillisecondsUtcConverter.Text(one.Time)} {one.Type}", JsonSerializer.Serialize(one.Data, Indented))));
        return page.ToString();
    }

    private static void Append(StringBuilder page, string title, IEnumerable<(string Name, string Value)> rows)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h3>{title}</h3>\n<table>\n");
        foreach (var (name, value) in rows)
            page.Append(CultureInfo.InvariantCulture, $"<tr><th>{Encoded(name)}</th><td><pre>{Encoded(value)}</pre></td></tr>\n");
        page.Append("</table>\n");
    }

    private static string Encoded(string text) => HtmlEncoder.Default.Encode(text);
}
