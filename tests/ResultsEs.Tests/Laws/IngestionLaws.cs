using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Laws;

/// <summary>events.md, rules 2 to 4, through the whole service.</summary>
public sealed class IngestionLaws(AppFixture app)
{
    [Fact]
    public async Task Any_order_batches_and_repeats_make_the_body_of_the_sorted_list_in_one_batch_byte_for_byte()
    {
        // The same session and event ids, each way in an account of its own.
        var one = await app.ClientAsync();
        var two = await app.ClientAsync(TestClients.OtherAccount);
        await AnySession.Arrivals.SampleAsync(
            async arrival =>
            {
                var (session, batches) = arrival;
                foreach (var batch in batches)
                    await SendAsync(one, batch);

                var sorted = session.Events.OrderBy(e => (string?)e["time"], StringComparer.Ordinal).ToArray();
                foreach (var chunk in sorted.Chunk(1_000))
                    await SendAsync(two, chunk, text => text.Replace(TestClients.WorkspaceA.ToString(), TestClients.WorkspaceOfTwo.ToString(), StringComparison.Ordinal));

                foreach (var path in new[] { $"v2/sessionResults/{session.Id}", $"v3/sessionResults/{session.Id}", $"v2/sessionResults/{session.Id}/clips" })
                {
                    var actual = await BodyAsync(one, path);
                    var expected = await BodyAsync(two, path);
                    Assert.Equal(expected.Replace(TestClients.WorkspaceOfTwo.ToString(), TestClients.WorkspaceA.ToString(), StringComparison.Ordinal), actual);
                }
            },
            iter: 40,
            threads: 2);
    }

    private static async Task SendAsync(HttpClient http, IEnumerable<JsonObject> events, Func<string, string>? change = null)
    {
        var json = $"[{string.Join(',', events.Select(e => e.ToJsonString()))}]";
        using var answer = await http.SendAsync(change?.Invoke(json) ?? json);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<string> BodyAsync(HttpClient http, string path)
    {
        using var answer = await http.ReadAsync($"/api/{path}");
        // A session without a recording has no clips.
        if (path.EndsWith("/clips", StringComparison.Ordinal) && answer.StatusCode == HttpStatusCode.NotFound)
            return "no recording";
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
