using System.Net;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>The cache of tokens, seen through the requests that fill it.</summary>
public sealed class ValidatedTokensTests : IAsyncLifetime
{
    private AccessHost _host = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ValidatedTokens Tokens => _host.App.Services.GetRequiredService<ValidatedTokens>();

    public async ValueTask InitializeAsync() => _host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "100000")]);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task However_a_token_is_padded_it_is_one_token()
    {
        var token = Forge(TestClients.Reader, 0);
        foreach (var header in new[] { "Bearer " + token, "bearer  " + token, "BEARER" + new string(' ', 5_000) + token, $"Bearer {token}  ", "Bearer \t" + token })
            Assert.Equal(HttpStatusCode.OK, await AnswerAsync(header));

        Assert.Equal(1, Tokens.Count);
    }

    [Fact]
    public async Task One_client_drives_out_its_own_tokens_and_no_others()
    {
        var other = "Bearer " + Forge(TestClients.OtherAccount, 0);
        await AnswerAsync(other);
        var all = Enumerable.Range(0, ValidatedTokens.MaxTokensOfClient + 20).Select(i => "Bearer " + Forge(TestClients.Reader, i)).ToList();
        foreach (var header in all)
            Assert.Equal(HttpStatusCode.OK, await AnswerAsync(header));

        Assert.Equal(ValidatedTokens.MaxTokensOfClient + 1, Tokens.Count);
        Assert.NotNull(Tokens.Find(other));
        Assert.Equal((true, true), (Tokens.Find(all[0]) is null, Tokens.Find(all[^1]) is not null));
        Assert.Equal(HttpStatusCode.OK, await AnswerAsync(all[0]));
    }

    [Fact]
    public async Task Long_tokens_of_a_client_are_bounded_in_bytes()
    {
        for (var i = 0; i < ValidatedTokens.MaxTokensOfClient; i++)
            Assert.Equal(HttpStatusCode.OK, await AnswerAsync("Bearer " + Forge(TestClients.Reader, i, padding: 9_000)));

        Assert.InRange(Tokens.Count, 1, 6);
    }

    [Fact]
    public async Task A_token_that_is_too_long_is_refused_before_it_is_looked_at()
    {
        var token = Forge(TestClients.Reader, 0, padding: ValidatedTokens.MaxTokenLength);

        Assert.Equal(HttpStatusCode.Unauthorized, await AnswerAsync("Bearer " + token));
        Assert.Equal(0, Tokens.Count);
    }

    private string Forge(string client, int number, int padding = 0) => Access.Tokens.Forge(_host.Key.Private, _host.Clock.GetUtcNow(), change: payload =>
    {
        payload["client_id"] = payload["sub"] = client;
        payload["jti"] = number.ToString(System.Globalization.CultureInfo.InvariantCulture) + new string('x', padding);
        if (client == TestClients.OtherAccount)
            (payload["account"], payload["workspaces"]) = (TestClients.AccountTwo.ToString(), new[] { TestClients.WorkspaceOfTwo.ToString() });
    });

    private async Task<HttpStatusCode> AnswerAsync(string header)
    {
        using var http = _host.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/caller");
        request.Headers.TryAddWithoutValidation("Authorization", header);
        using var answer = await http.SendAsync(request, Cancel);
        return answer.StatusCode;
    }
}
