using System.Globalization;
using System.Net.Http.Headers;

namespace ResultsEs.Benchmarks;

/// <summary>Sends events over HTTP.</summary>
internal static class Sending
{
    /// <summary>The content type of one event.</summary>
    public const string OneEvent = "application/cloudevents+json";

    /// <summary>The content type of several.</summary>
    public const string Batch = "application/cloudevents-batch+json";

    private static readonly Uri Address = new("/api/v2/sessionEvents", UriKind.Relative);

    /// <summary>Sends events that are new, and returns when <paramref name="who"/> says that so many are accepted.</summary>
    public static async Task AcceptedAsync(HttpClient http, string who, byte[] body, string type, int events, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        using var answer = await http.PostAsync(Address, content, cancellation);
        var text = await answer.Content.ReadAsStringAsync(cancellation);
        var accepted = string.Create(CultureInfo.InvariantCulture, $"\"accepted\":{events}");
        // What comes next in the object, or its end: 1 is not 10.
        if (!answer.IsSuccessStatusCode || text.IndexOf(accepted, StringComparison.Ordinal) is not (>= 0 and var place) || text[place + accepted.Length] is not (',' or '}'))
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{who} does not take {events} events: {(int)answer.StatusCode} {text}"));
    }
}
