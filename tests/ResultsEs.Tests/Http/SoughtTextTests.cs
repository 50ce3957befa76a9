using System.Net;

namespace ResultsEs.Tests.Http;

/// <summary>What may be looked for by <c>q</c>: one rule for all who take it.</summary>
public sealed class SoughtTextTests(AppFixture app)
{
    private const string Search = "/api/v3/answers";

    private static readonly string[] Paths =
        [Search, "/api/v3/testResults", $"/api/v3/testResults/{Guid.NewGuid()}/tasks/{Guid.NewGuid()}/answers"];

    public static TheoryData<string, string?> Texts => new()
    {
        { "a", null },
        { "%20a%20", null },
        { "line%0Abreak", null },
        { "line%0D%0Abreak", null },
        { "tab%09stop", null },
        { "%E2%80%8B", null },
        { "%F0%9F%98%80", null },
        { new string('a', 200), null },
        { string.Concat(Enumerable.Repeat("%F0%9F%98%80", 200)), null },
        { "", "blank" },
        { "%20", "blank" },
        { "%0A", "blank" },
        { "%09%0D%0A%20", "blank" },
        { "%C2%A0", "blank" },
        { new string('a', 201), "must have at most 200 characters" },
        { string.Concat(Enumerable.Repeat("%F0%9F%98%80", 201)), "must have at most 200 characters" },
        { "a%00b", "must not have control characters" },
        { "a%1B[2J", "must not have control characters" },
        { "%7F", "must not have control characters" },
        { "a%C2%9B", "must not have control characters" },
        { "a&q=b", "must be there once" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Is_taken_or_refused_alike_by_all(string text, string? problem)
    {
        using var http = await app.ClientAsync();
        foreach (var path in Paths)
        {
            using var answer = await http.ReadAsync($"{path}?q={text}");
            if (problem is null)
            {
                Assert.NotEqual((path, HttpStatusCode.BadRequest), (path, answer.StatusCode));
                continue;
            }

            // Whoever can be asked without it says so.
            var said = problem == "blank" ? path == Search ? "is required" : "must not be blank" : problem;
            Assert.Equal((path, said), (path, (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!["q"]![0]));
        }
    }

    [Fact]
    public async Task Is_required_where_nothing_else_is_asked_for()
    {
        using var http = await app.ClientAsync();
        using var search = await http.ReadAsync(Search);
        using var tests = await http.ReadAsync("/api/v3/testResults");

        Assert.Equal("""{"q":["is required"]}""", (await search.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, tests.StatusCode);
    }
}
