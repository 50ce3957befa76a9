// Keeps a copy of all sessions in a folder, a file each: dotnet run docs/snippets/follow-changes.cs. .NET 10.
// With --once it ends when the copy is whole.
#:project ../../src/ResultsEs.Contracts/ResultsEs.Contracts.csproj
#:property PublishAot=false

using System.Net;
using System.Text.Json;
using ResultsEs.Contracts;

var isOnce = args.Contains("--once");
var copy = Directory.CreateDirectory(Setting("RESULTS_COPY", "copy")).FullName;
var cursor = Path.Combine(copy, "cursor");
using var http = new HttpClient { BaseAddress = new(Setting("RESULTS_URL", "http://localhost:5080")), Timeout = TimeSpan.FromSeconds(120) };

string? bearer = null;
for (var wait = 1; ; wait = Math.Min(wait * 2, 60))
{
    var pause = TimeSpan.FromSeconds(wait);
    try
    {
        using var answer = bearer is null ? await AskForTokenAsync(http) : await AskForChangesAsync();
        var json = await answer.Content.ReadAsByteArrayAsync();
        if (answer.IsSuccessStatusCode && bearer is null)
        {
            bearer = JsonDocument.Parse(json).RootElement.GetProperty("access_token").GetString();
            continue;
        }

        if (answer.IsSuccessStatusCode)
        {
            var page = FeedPage.Parse(json);
            // First the changes, then the cursor: what is cut off in between comes again, and is the same.
            foreach (var change in page.Changes)
                Take(change);
            Write(cursor, page.NextCursor);
            if (isOnce && page.IsAtEnd)
                return;

            wait = 1;
            continue;
        }

        if (answer.StatusCode == HttpStatusCode.Gone)
        {
            // What was removed since is not known any more: begin anew.
            foreach (var file in Directory.EnumerateFiles(copy))
                File.Delete(file);
            continue;
        }

        if (answer.StatusCode == HttpStatusCode.Unauthorized && bearer is not null)
            bearer = null; // It has expired.
        else if (answer.StatusCode < HttpStatusCode.InternalServerError && answer.StatusCode != HttpStatusCode.TooManyRequests)
            throw new InvalidOperationException($"refused, and no use to ask again: {answer.StatusCode} {System.Text.Encoding.UTF8.GetString(json)}");
        pause = answer.Headers.RetryAfter?.Delta ?? pause;
    }
    catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
    {
        // No answer: it is asked again.
    }

    await Task.Delay(pause);
}

void Take(FeedChange change)
{
    var file = Path.Combine(copy, $"{change.WorkspaceId}.{change.SessionId}.json");
    if (change.Session is { } session)
        Write(file, session.GetRawText());
    else if (change.IsRemoved && File.Exists(file) && JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("testId").GetGuid() == change.TestId)
        File.Delete(file);
}

// A file is there whole or as it was, also when the program is killed.
static void Write(string file, string text)
{
    File.WriteAllText(file + ".part", text);
    File.Move(file + ".part", file, overwrite: true);
}

Task<HttpResponseMessage> AskForChangesAsync() => http.SendAsync(new(
    HttpMethod.Get,
    $"/api/v3/changes?include=session&limit=500&wait={(isOnce ? 0 : 60)}{(File.Exists(cursor) ? $"&after={File.ReadAllText(cursor)}" : "")}")
{
    Headers = { Authorization = new("Bearer", bearer) },
});

static Task<HttpResponseMessage> AskForTokenAsync(HttpClient http) => http.PostAsync("/oauth2/token", new FormUrlEncodedContent(new Dictionary<string, string>
{
    ["grant_type"] = "client_credentials",
    ["client_id"] = Setting("RESULTS_CLIENT", "demo"),
    ["client_secret"] = Setting("RESULTS_SECRET", "demo-secret"),
}));

static string Setting(string name, string otherwise) => Environment.GetEnvironmentVariable(name) ?? otherwise;
