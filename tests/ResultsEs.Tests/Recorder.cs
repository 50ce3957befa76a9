using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ResultsEs.Tests;

/// <summary>What recorders and readers do over HTTP.</summary>
internal static class Recorder
{
    public const string Batch = "application/cloudevents-batch+json";

    public static Task<HttpResponseMessage> SendAsync(this HttpClient http, string json, string? contentType = Batch) =>
        http.SendAsync(Encoding.UTF8.GetBytes(json), contentType);

    public static async Task<HttpResponseMessage> SendAsync(this HttpClient http, byte[] body, string? contentType = Batch)
    {
        using var content = new ByteArrayContent(body);
        if (contentType is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return await http.SendAsync(content);
    }

    public static Task<HttpResponseMessage> SendAsync(this HttpClient http, HttpContent content) =>
        http.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), content, TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> SendAsync<T>(this HttpClient http, StreamBuilder<T> stream)
        where T : StreamBuilder<T> => http.SendAsync(stream.Json());

    /// <summary>Sends a stream's events until they are taken: there may be no server that answers.</summary>
    public static Task UntilRecordedAsync<T>(this HttpClient http, StreamBuilder<T> stream)
        where T : StreamBuilder<T> => Wait.UntilAsync(async () =>
    {
        using var answer = await http.SendAsync(stream);
        return answer.IsSuccessStatusCode;
    });

    /// <summary>Sends a stream's events and expects all of them to be taken.</summary>
    public static async Task<JsonObject> RecordAsync<T>(this HttpClient http, StreamBuilder<T> stream)
        where T : StreamBuilder<T>
    {
        using var answer = await http.SendAsync(stream);
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

    /// <summary>An answer to a GET, whatever it is.</summary>
    public static Task<HttpResponseMessage> ReadAsync(this HttpClient http, string path) => http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    /// <summary>The JSON at a path, which must be there.</summary>
    public static async Task<JsonObject> JsonAsync(this HttpClient http, string path)
    {
        using var answer = await http.ReadAsync(path);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        return await answer.JsonAsync();
    }

    public static async Task<JsonObject> JsonAsync(this HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;

    /// <summary>A refusal's problem, but for the trace id: what a client sees.</summary>
    public static async Task<JsonObject> ProblemAsync(this HttpResponseMessage answer, HttpStatusCode expected)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == expected, $"{(int)answer.StatusCode} {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(text)!.AsObject();
        Assert.NotEmpty((string?)problem["traceId"] ?? "");
        problem.Remove("traceId");
        return problem;
    }

    /// <summary>The events that the database holds of a session, in the order stored.</summary>
    public static Task<IReadOnlyList<StoredRow>> StoredAsync(this AppFixture app, Guid sessionId) => app.Host.StoredAsync(sessionId);

    /// <summary>The events that a host's database holds of a session, in the order stored.</summary>
    public static async Task<IReadOnlyList<StoredRow>> StoredAsync(this IAlbaHost host, Guid sessionId)
    {
        await using var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            """
            select id, tenant_id, type, data::text, headers::text from results.mt_events
            where stream_id = $1 order by seq_id
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = sessionId });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<StoredRow>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add(new StoredRow(
                reader.GetGuid(0), Guid.Parse(reader.GetString(1)), reader.GetString(2), JsonNode.Parse(reader.GetString(3))!, JsonNode.Parse(reader.GetString(4))!));
        }

        return rows;
    }
}

/// <summary>An event as the database holds it.</summary>
internal sealed record StoredRow(Guid Id, Guid Account, string Type, JsonNode Data, JsonNode Headers);
