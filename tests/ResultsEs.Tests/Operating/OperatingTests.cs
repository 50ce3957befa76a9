using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Operating;

/// <summary>What operators of an account see of the service, and what they do.</summary>
public sealed class OperatingTests(AppFixture app)
{
    private const string Letters = "/api/v3/operations/deadLetters";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_state_names_the_node_that_answers_and_how_far_work_is_behind()
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        JsonNode? state = null;
        await Wait.UntilAsync(async () => (state = await http.JsonAsync("/api/v3/operations/state"))["nodes"]!.AsArray().Count > 0);

        var node = state!["nodes"]![0]!;
        Assert.StartsWith(Environment.MachineName, (string)node["name"]!, StringComparison.Ordinal);
        Assert.True((DateTimeOffset)node["startedAt"]! <= (DateTimeOffset)node["seenAt"]!);
        Assert.All(state["lag"]!.AsObject(), lag => Assert.True((double)lag.Value! >= 0, lag.Key));
        Assert.Equal(("[]", "[]"), (state["standbys"]!.ToJsonString(), state["rebuilds"]!.ToJsonString()));
    }

    [Fact]
    public async Task Erasures_are_those_of_the_account()
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        using var other = await app.ClientAsync(TestClients.OperatorOfTwo);
        var participant = Guid.NewGuid();
        using var erased = await http.DeleteAsync(new Uri($"/api/v2/participants/{participant}?reason=asked", UriKind.Relative), Cancelled);
        var id = (string)(await erased.JsonAsync())["erasureId"]!;

        Assert.Contains(id, Ids(await http.JsonAsync("/api/v3/operations/erasures"), "erasures", "erasureId"));
        Assert.DoesNotContain(id, Ids(await other.JsonAsync("/api/v3/operations/erasures"), "erasures", "erasureId"));
    }

    [Fact]
    public async Task What_is_set_aside_is_that_of_the_account()
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        using var other = await app.ClientAsync(TestClients.OperatorOfTwo);
        var database = app.Host.Services.GetRequiredService<NpgsqlDataSource>();
        var item = new StreamKey(Tenant.Of(TestClients.AccountOne), Guid.NewGuid());
        await SetAside.AddAsync(database, NullLogger.Instance, "a worker", item, new InvalidOperationException("it fails"), Cancelled);
        try
        {
            var listed = (await http.JsonAsync("/api/v3/operations/setAside"))["items"]!.AsArray().Single(one => (Guid)one!["subjectId"]! == item.Id)!;
            Assert.Equal(("a worker", "InvalidOperationException: it fails", 1), ((string)listed["worker"]!, (string)listed["reason"]!, (int)listed["attempts"]!));
            Assert.DoesNotContain(item.Id.ToString(), Ids(await other.JsonAsync("/api/v3/operations/setAside"), "items", "subjectId"));
            Assert.True((long)(await http.JsonAsync("/api/v3/operations/state"))["account"]!["setAside"]! >= 1);

            // No version has such a worker: it stays, and nobody else's attempt counts.
            using var stays = await RetryAsync(http, item.Id);
            Assert.Equal("a worker stays: this version has no such worker", (string)(await stays.ProblemAsync(HttpStatusCode.Conflict))["detail"]!);
            foreach (var (client, id, query) in new[] { (other, item.Id, ""), (http, Guid.NewGuid(), ""), (http, item.Id, "?worker=search") })
            {
                using var unknown = await RetryAsync(client, id, query);
                await unknown.ProblemAsync(HttpStatusCode.NotFound);
            }

            using var looking = await app.ClientAsync(TestClients.Privacy, "operations:read");
            using var forbidden = await RetryAsync(looking, item.Id);
            using var malformed = await RetryAsync(http, item.Id, "?worker=%00");
            Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.BadRequest), (forbidden.StatusCode, malformed.StatusCode));
        }
        finally
        {
            await SetAside.RemoveAsync(database, "a worker", [item], Cancelled);
        }
    }

    [Fact]
    public async Task Dead_letters_are_listed_page_by_page_looked_at_and_discarded_by_their_account_alone()
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        using var other = await app.ClientAsync(TestClients.OperatorOfTwo);
        var (mine, theirs) = (new List<string>(), new List<string>());
        for (var i = 0; i < 3; i++)
        {
            mine.Add((await EveryRouteTests.Stored.DeadLetterOf(app.Host, TestClients.AccountOne, $"""[{i},"{new string('x', 70_000)}"]""")).ToString());
            // It names the other account, and is not theirs.
            theirs.Add((await EveryRouteTests.Stored.DeadLetterOf(app.Host, TestClients.AccountTwo, $"""[{i},"{Tenant.Of(TestClients.AccountOne)}"]""")).ToString());
        }

        var (listed, next) = (new List<string>(), "");
        do
        {
            var page = await http.JsonAsync($"{Letters}?limit=2{next}");
            listed.AddRange(Ids(page, "deadLetters", "letterId"));
            next = page["nextCursor"] is { } cursor ? $"&cursor={cursor}" : null;
        }
        while (next is not null);
        Assert.Equal(mine, listed.Where(mine.Contains));
        Assert.Empty(listed.Intersect(theirs, StringComparer.Ordinal));
        var details = await http.JsonAsync($"{Letters}/{mine[0]}");
        Assert.Equal((65_536, true, "invalid: no events"), (((string)details["body"]!).Length, (bool)details["isCut"]!, (string)details["letter"]!["reason"]!));

        foreach (var id in mine)
        {
            using var foreign = await other.ReadAsync($"{Letters}/{id}");
            using var foreignReplay = await other.PostAsync(new Uri($"{Letters}/{id}/replay", UriKind.Relative), null, Cancelled);
            using var foreignDiscard = await other.DeleteAsync(new Uri($"{Letters}/{id}", UriKind.Relative), Cancelled);
            Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.NotFound], new[] { foreign.StatusCode, foreignReplay.StatusCode, foreignDiscard.StatusCode });
            // No queue is bound to the account here.
            using var refused = await http.PostAsync(new Uri($"{Letters}/{id}/replay", UriKind.Relative), null, Cancelled);
            Assert.Contains("RabbitMq:Accounts", (string)(await refused.ProblemAsync(HttpStatusCode.Conflict))["detail"]!, StringComparison.Ordinal);
            using var discarded = await http.DeleteAsync(new Uri($"{Letters}/{id}", UriKind.Relative), Cancelled);
            Assert.Equal($$"""{"letterId":"{{id}}","outcome":"discarded"}""", (await discarded.JsonAsync()).ToJsonString());
            using var gone = await http.ReadAsync($"{Letters}/{id}");
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        }

        foreach (var id in theirs)
            (await other.DeleteAsync(new Uri($"{Letters}/{id}", UriKind.Relative), Cancelled)).Dispose();
    }

    [Fact]
    public async Task Who_may_only_look_does_nothing()
    {
        using var http = await app.ClientAsync(TestClients.Privacy, "operations:read");
        var id = await EveryRouteTests.Stored.DeadLetterOf(app.Host, TestClients.AccountOne);

        using var replay = await http.PostAsync(new Uri($"{Letters}/{id}/replay", UriKind.Relative), null, Cancelled);
        using var discard = await http.DeleteAsync(new Uri($"{Letters}/{id}", UriKind.Relative), Cancelled);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (replay.StatusCode, discard.StatusCode));
        using var all = await app.ClientAsync(TestClients.Privacy);
        (await all.DeleteAsync(new Uri($"{Letters}/{id}", UriKind.Relative), Cancelled)).EnsureSuccessStatusCode().Dispose();
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("cursor=abc", "cursor")]
    public async Task A_wrong_parameter_is_named(string query, string name)
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        using var refused = await http.ReadAsync($"{Letters}?{query}");
        Assert.NotNull((await refused.ProblemAsync(HttpStatusCode.BadRequest))["errors"]![name]);
    }

    private static Task<HttpResponseMessage> RetryAsync(HttpClient http, Guid id, string query = "") =>
        http.PostAsync(new Uri($"/api/v3/operations/setAside/{id}/retry{query}", UriKind.Relative), null, Cancelled);

    private static IEnumerable<string> Ids(JsonNode page, string list, string id) => page[list]!.AsArray().Select(one => (string)one![id]!);
}
