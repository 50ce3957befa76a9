using System.Net;
using Microsoft.Extensions.Options;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>The composition of the whole service.</summary>
public sealed class ProgramTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Development_has_the_demo_client_ready()
    {
        using var answer = await Tokens.RequestAsync(app.Host.Server.CreateClient(), "demo", "demo-secret", Scopes.StudiesRead, Scopes.EventsWrite);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task No_other_environment_knows_the_demo_client()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var demo = await Tokens.RequestAsync(host.Server.CreateClient(), "demo", "demo-secret");
        using var own = await Tokens.RequestAsync(host.Server.CreateClient(), TestClients.Reader, TestClients.Secret);

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (demo.StatusCode, own.StatusCode));
    }

    [Fact]
    public async Task A_wrong_configuration_stops_the_start()
    {
        using var data = new TempFolder();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => AppFixture.StartAsync("Production", data, [new("RateLimiting:ReadsPerMinute", "0")]));

        Assert.Contains("RateLimiting:ReadsPerMinute must be from 1 to 10000000.", Assert.IsType<OptionsValidationException>(failure.GetBaseException()).Failures, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_signing_key_that_cannot_be_read_stops_the_start()
    {
        using var data = new TempFolder();
        var path = Path.Combine(data.Path, "not-a-key.pem");
        await File.WriteAllTextAsync(path, "hello", Cancel);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => AppFixture.StartAsync("Production", data, [new("Access:SigningKeyPath", path)]));

        Assert.Contains($"The signing key {path} is not an unencrypted RSA private key in PEM form.", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_outlives_a_restart()
    {
        using var data = new TempFolder();
        string token;
        await using (var first = await AppFixture.StartAsync("Production", data, TestClients.Settings()))
            token = await Tokens.AskAsync(first.Server.CreateClient(), TestClients.Reader);

        await using var second = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var http = second.Server.CreateClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri("/not-mapped", UriKind.Relative), Cancel);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_client_of_the_fixture_gets_through()
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly, Scopes.StudiesRead);
        using var answer = await http.GetAsync(new Uri("/not-mapped", UriKind.Relative), Cancel);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }
}
