// Sends a session over HTTP: dotnet run docs/snippets/send-over-http.cs. .NET 10.
#:project ../../src/ResultsEs.Contracts/ResultsEs.Contracts.csproj
#:property PublishAot=false

using System.Net;
using System.Text.Json;
using ResultsEs.Contracts;

var workspace = Guid.Parse(Setting("RESULTS_WORKSPACE", "0d3a0000-0000-4000-8000-0000000000a1"));
var session = Guid.CreateVersion7();
var started = DateTimeOffset.UtcNow;

Console.WriteLine(await SendAsync(
    Happened(0, new SessionStarted { WorkspaceId = workspace, TestId = Guid.NewGuid(), ProductType = ProductType.Survey, StartedAt = started }),
    Happened(20, new TaskAnswered
    {
        TaskId = Guid.NewGuid(),
        Position = 0,
        Text = "How likely are you to recommend us?",
        StartTimeMs = 15_000,
        EndTimeMs = 20_000,
        Answer = new NpsAnswer { Score = 9 },
    }),
    Happened(21, new SessionCompleted { FinishedAt = started.AddSeconds(21) })));
Console.WriteLine($"session {session}");

CloudEvent Happened(int seconds, SessionEvent data) => new()
{
    Id = Guid.CreateVersion7(),
    Source = "/recorder/dotnet/1.0.0",
    Subject = session,
    Time = started.AddSeconds(seconds),
    Data = data,
};

// Returns when the events are stored. The same ids every time: sending again is always safe.
static async Task<string> SendAsync(params CloudEvent[] events)
{
    using var http = new HttpClient { BaseAddress = new(Setting("RESULTS_URL", "http://localhost:5080")), Timeout = TimeSpan.FromSeconds(30) };
    var body = CloudEvent.ToJson(events);
    string? bearer = null;
    for (var wait = 1; ; wait = Math.Min(wait * 2, 60))
    {
        var pause = TimeSpan.FromSeconds(wait);
        try
        {
            using var answer = bearer is null ? await AskForTokenAsync(http) : await PostAsync(http, bearer, body);
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode && bearer is not null)
                return text;

            if (answer.IsSuccessStatusCode)
            {
                bearer = JsonDocument.Parse(text).RootElement.GetProperty("access_token").GetString();
                continue;
            }

            if (answer.StatusCode == HttpStatusCode.Unauthorized && bearer is not null)
                bearer = null; // It has expired.
            else if (answer.StatusCode < HttpStatusCode.InternalServerError && answer.StatusCode != HttpStatusCode.TooManyRequests)
                throw new InvalidOperationException($"refused, and no use to send again: {answer.StatusCode} {text}");
            pause = answer.Headers.RetryAfter?.Delta ?? pause;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            // No answer: it may be stored or not.
        }

        await Task.Delay(pause);
    }
}

static Task<HttpResponseMessage> AskForTokenAsync(HttpClient http) => http.PostAsync("/oauth2/token", new FormUrlEncodedContent(new Dictionary<string, string>
{
    ["grant_type"] = "client_credentials",
    ["client_id"] = Setting("RESULTS_CLIENT", "demo"),
    ["client_secret"] = Setting("RESULTS_SECRET", "demo-secret"),
}));

static Task<HttpResponseMessage> PostAsync(HttpClient http, string bearer, byte[] body) => http.SendAsync(new(HttpMethod.Post, "/api/v2/sessionEvents")
{
    Headers = { Authorization = new("Bearer", bearer) },
    Content = new ByteArrayContent(body) { Headers = { ContentType = new(CloudEvent.BatchMediaType) } },
});

static string Setting(string name, string otherwise) => Environment.GetEnvironmentVariable(name) ?? otherwise;
