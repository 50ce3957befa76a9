using System.Net;
using System.Security.Claims;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using ResultsEs.Changes;

namespace ResultsEs.Tests.Changes;

/// <summary>The feed of changes as Server-Sent Events.</summary>
public sealed class ChangeStreamTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_come_as_they_happen_and_a_reader_that_connects_again_goes_on()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var (one, two) = (TestData.Session(test: test), TestData.Session(test: test));
        await http.RecordAsync(one);
        string last;
        using (var stream = await OpenAsync(http, test))
        {
            Assert.Equal("text/event-stream", stream.Answer.Content.Headers.ContentType?.ToString());
            var first = await stream.NextAsync();
            Assert.Equal(("upserted", one.Id, 1), (first.Event, (Guid)first.Data["sessionId"]!, (int)first.Data["version"]!));
            await http.RecordAsync(one.WithAnswer(Answers.Nps(9)));
            var next = await stream.NextAsync();
            Assert.Equal(2, (int)next.Data["version"]!);
            Assert.True(JsonNode.DeepEquals(await http.ResultAsync(one.Id), next.Data["session"]));
            last = next.Id;
        }

        await http.RecordAsync(two);
        using var again = await OpenAsync(http, test, last);
        Assert.Equal(two.Id, (Guid)(await again.NextAsync()).Data["sessionId"]!);
        // The ids of events are cursors of the feed.
        var page = await http.JsonAsync($"/api/v3/changes?testId={test}&after={last}");
        Assert.Equal(two.Id, (Guid)Assert.Single(page["changes"]!.AsArray())!["sessionId"]!);
    }

    [Fact]
    public async Task HEAD_is_answered_without_a_stream_and_a_wrong_id_is_refused()
    {
        using var http = await app.ClientAsync();
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri("/api/v3/changes/stream", UriKind.Relative)), Cancelled);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (head.StatusCode, head.Content.Headers.ContentType?.ToString()));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v3/changes/stream", UriKind.Relative)) { Headers = { { "Last-Event-ID", "7" } } };
        using var refused = await http.SendAsync(request, Cancelled);
        var problem = await refused.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal("must be a nextCursor of this account's changes, or now", (string?)problem["errors"]!["Last-Event-ID"]![0]);
    }

    /// <summary>Whoever waits does so no longer than what lets him in.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wait_ends_with_the_token_and_with_the_node(bool isToken)
    {
        var feed = app.Host.Services.GetRequiredService<ChangeFeed>();
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        using var stopping = new CancellationTokenSource();
        var http = new DefaultHttpContext { User = new ClaimsPrincipal(new ClaimsIdentity([new Claim("exp", now.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture))])) };
        // Ten seconds behind its end a token is still let in.
        var time = new FakeTimeProvider(isToken ? now.AddSeconds(9.9) : now.AddSeconds(-60));
        using var follower = new ChangeFollower(feed, new ChangeQuery("nobody", null), 10, http, stopping.Token, time);

        var waiting = follower.NextAsync(ChangeCursor.Begin, TimeSpan.FromMinutes(10), Cancelled);
        if (!isToken)
            await stopping.CancelAsync();
        Assert.Empty((await waiting).Changes);
        Assert.True(follower.IsOver);
    }

    private static async Task<EventStream> OpenAsync(HttpClient http, Guid test, string? last = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/v3/changes/stream?testId={test}&include=session", UriKind.Relative));
        if (last is not null)
            request.Headers.Add("Last-Event-ID", last);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return new EventStream(answer, new StreamReader(await answer.Content.ReadAsStreamAsync(Cancelled)));
    }

    private sealed record EventStream(HttpResponseMessage Answer, StreamReader Lines) : IDisposable
    {
        /// <summary>The next event; comments and events without data are passed over, as browsers do.</summary>
        public async Task<(string Id, string Event, JsonObject Data)> NextAsync()
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            while (await Lines.ReadLineAsync(Cancelled) is { } line)
            {
                if (line.Length > 0)
                    fields[line.Split(": ", 2)[0]] = line.Split(": ", 2)[1];
                else if (fields.TryGetValue("data", out var data))
                    return (fields["id"], fields["event"], JsonNode.Parse(data)!.AsObject());
            }

            throw new EndOfStreamException();
        }

        public void Dispose()
        {
            Lines.Dispose();
            Answer.Dispose();
        }
    }
}
