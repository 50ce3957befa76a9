using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests;

/// <summary>What recorders and readers do over HTTP.</summary>
internal static class Recorder
{
    public const string Batch = "application/cloudevents-batch+json";

    public static Task<HttpResponseMessage> SendAsync(this HttpClient http, string json, string contentType = Batch) =>
        http.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), Body(json, contentType), TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> SendAsync(this HttpClient http, SessionBuilder session) => http.SendAsync(session.Json());

    /// <summary>Sends a session's events and expects all of them to be taken.</summary>
    public static async Task<JsonObject> RecordAsync(this HttpClient http, SessionBuilder session)
    {
        using var answer = await http.SendAsync(session);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return await answer.JsonAsync();
    }

    public static Task<HttpResponseMessage> GetResultAsync(this HttpClient http, Guid sessionId, string version = "v3") =>
        http.GetAsync(new Uri($"/api/{version}/sessionResults/{sessionId}", UriKind.Relative), TestContext.Current.CancellationToken);

    /// <summary>A session's result, which must be there.</summary>
    public static async Task<JsonObject> ResultAsync(this HttpClient http, Guid sessionId, string version = "v3")
    {
        using var answer = await http.GetResultAsync(sessionId, version);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.JsonAsync();
    }

    public static async Task<JsonObject> JsonAsync(this HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;

    private static StringContent Body(string json, string contentType)
    {
        var body = new StringContent(json, Encoding.UTF8);
        body.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(contentType);
        return body;
    }
}
