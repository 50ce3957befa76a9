using System.Net;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Changes;

/// <summary>Somebody who keeps a copy of sessions by the feed of changes, as docs/api.md says.</summary>
internal sealed class Follower(Guid? test = null, int limit = 100)
{
    /// <summary>The copy: the lines of the sessions, by workspace and session.</summary>
    public Dictionary<(Guid Workspace, Guid Session), JsonObject> Copy { get; } = [];

    /// <summary>All changes that came, in their order.</summary>
    public List<JsonObject> Seen { get; } = [];

    /// <summary>Where it stands; null at the begin.</summary>
    public string? Cursor { get; private set; }

    /// <summary>Reads a page, and keeps what it says.</summary>
    public async Task<JsonObject> ReadAsync(HttpClient http, int wait = 0)
    {
        var page = await http.JsonAsync(Path(wait));
        TakePage(page);
        return page;
    }

    /// <summary>Reads a page, which there may be none of while no server answers. True at the end.</summary>
    public async Task<bool> TryReadAsync(HttpClient http, int wait = 0)
    {
        using var answer = await http.GetAsync(new Uri(Path(wait), UriKind.Relative), TestContext.Current.CancellationToken);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            return false;
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var page = await answer.JsonAsync();
        TakePage(page);
        return (bool)page["isAtEnd"]!;
    }

    /// <summary>Reads until there is nothing more, and returns what came.</summary>
    public async Task<IReadOnlyList<JsonObject>> CatchUpAsync(HttpClient http)
    {
        var before = Seen.Count;
        while (!(bool)(await ReadAsync(http))["isAtEnd"]!)
        {
            // There is more.
        }

        return Seen[before..];
    }

    /// <summary>The address of the next page.</summary>
    public string Path(int wait = 0, string more = "&include=session") =>
        $"/api/v3/changes?limit={limit}&wait={wait}{more}{(test is null ? "" : $"&testId={test}")}{(Cursor is null ? "" : $"&after={Cursor}")}";

    /// <summary>Keeps what a page says.</summary>
    public void TakePage(JsonObject page)
    {
        foreach (var change in page["changes"]!.AsArray())
            Take(change!.AsObject());
        Cursor = (string)page["nextCursor"]!;
    }

    /// <summary>Keeps what a change says.</summary>
    public void Take(JsonObject change)
    {
        Seen.Add(change);
        var key = ((Guid)change["workspaceId"]!, (Guid)change["sessionId"]!);
        if ((string)change["kind"]! == "removed")
        {
            if (Copy.TryGetValue(key, out var held) && (Guid)held["testId"]! == (Guid)change["testId"]!)
                Copy.Remove(key);
        }
        else
        {
            Copy[key] = change["session"]!.AsObject();
        }
    }

    /// <summary>The copy of a test's sessions, line by line.</summary>
    public IReadOnlyList<string> Lines(Guid test) =>
        [.. Copy.Values.Where(session => (Guid)session["testId"]! == test).Select(session => session.ToJsonString()).Order(StringComparer.Ordinal)];

    /// <summary>A test's sessions as an export shows them, line by line: what a copy of them is to be.</summary>
    public static async Task<IReadOnlyList<string>> ExportedAsync(HttpClient http, Guid test)
    {
        using var answer = await http.ReadAsync($"/api/v3/testResults/{test}/sessionResults?status=COMPLETE&status=ABANDONED&status=IN_PROGRESS");
        Assert.True(answer.IsSuccessStatusCode);
        var lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line =>
        {
            var session = JsonNode.Parse(line)!.AsObject();
            session.Remove("updatedTime");
            return session.ToJsonString();
        }).Order(StringComparer.Ordinal)];
    }

    /// <summary>No change came twice.</summary>
    public void AssertNoneTwice()
    {
        var seen = Seen.Select(change => (
            (Guid)change["workspaceId"]!, (Guid)change["sessionId"]!, (Guid)change["testId"]!, (string)change["kind"]!, (long)change["version"]!)).ToList();
        Assert.Equal(seen.Distinct(), seen);
    }

    /// <summary>A change in short: what it is, why, of which session.</summary>
    public static (string Kind, string? Reason, Guid Session) Short(JsonObject change) =>
        ((string)change["kind"]!, (string?)change["reason"], (Guid)change["sessionId"]!);
}
