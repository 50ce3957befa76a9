using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>What is taken from a client is gone from its tokens, without a restart.</summary>
public sealed class RightsTests : IAsyncLifetime
{
    private static readonly Uri Read = new("/caller", UriKind.Relative);
    private static readonly Uri Write = new("/api/v2/sessionEvents", UriKind.Relative);

    private readonly CollectedLogs _logs = new();
    private AccessHost _host = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await AccessHost.StartAsync([new("Access:RefreshSeconds", "1")], kestrel: true, services => services.AddSingleton<ILoggerProvider>(_logs));

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _logs.Dispose();
    }

    [Fact]
    public async Task Workspaces_scopes_accounts_and_clients_that_are_taken_away_are_gone_and_requests_that_last_are_broken_off()
    {
        using var narrowed = await _host.ClientAsync(TestClients.BothWorkspaces);
        using var unscoped = await _host.ClientAsync();
        using var moved = await _host.ClientAsync(TestClients.OtherWorkspace);
        using var emptied = await _host.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        using var removed = await _host.ClientAsync(TestClients.OtherAccount);
        using var kept = await _host.ClientAsync(TestClients.ReadOnly);
        foreach (var http in new[] { narrowed, unscoped, moved, emptied, removed, kept })
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http.GetAsync(Read, Cancel)));
        using var lasting = await narrowed.GetAsync(new Uri("/lasts", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var untouched = await kept.GetAsync(new Uri("/lasts", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancel);
        var (broken, going) = (lasting.Content.ReadAsStringAsync(Cancel), untouched.Content.ReadAsStringAsync(Cancel));

        await ChangeAsync(
            new { },
            new { Workspaces = new Dictionary<string, string> { ["0"] = Guid.NewGuid().ToString() }, Account = TestClients.AccountTwo },
            new { Workspaces = new Dictionary<string, string> { ["1"] = TestClients.WorkspaceA.ToString() } },
            new { Id = "renamed" },
            new { Workspaces = new Dictionary<string, string> { ["0"] = Guid.NewGuid().ToString() } },
            new { },
            new { });
        await Wait.UntilAsync(async () => await StatusAsync(removed.GetAsync(Read, Cancel)) == HttpStatusCode.Unauthorized);

        // What is known of a client's tokens stays known when others change.
        var tokens = _host.App.Services.GetRequiredService<ValidatedTokens>();
        Assert.Equal((true, false), (IsKnown(kept), IsKnown(narrowed)));
        bool IsKnown(HttpClient http) => tokens.Find(http.DefaultRequestHeaders.Authorization!.ToString()) is not null;

        Assert.Equal([TestClients.WorkspaceA], (await narrowed.GetFromJsonAsync<Caller>(Read, Cancel))!.Workspaces);
        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.OK),
            (await StatusAsync(moved.GetAsync(Read, Cancel)), await StatusAsync(emptied.GetAsync(Read, Cancel)), await StatusAsync(kept.GetAsync(Read, Cancel))));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => broken);
        Assert.False(going.IsCompleted);

        // One that is new is there as well.
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Tokens.RequestAsync(_host.Anonymous(), "renamed", TestClients.Secret)));

        await ChangeAsync(new { Scopes = new Dictionary<string, string> { ["1"] = Scopes.StudiesRead } });
        await Wait.UntilAsync(async () => await StatusAsync(unscoped.PostAsync(Write, content: null, Cancel)) == HttpStatusCode.Forbidden);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(unscoped.GetAsync(Read, Cancel)));
    }

    [Fact]
    public async Task Settings_that_are_broken_or_wrong_change_nothing_and_are_read_on()
    {
        using var http = await _host.ClientAsync();
        foreach (var text in new[] { "{", """{ "Clients": [ { "Scopes": [ "studies:delete" ] } ] }""" })
        {
            var before = Failures();
            await File.WriteAllTextAsync(_host.SettingsFile, text, Cancel);
            await Wait.UntilAsync(() => Failures() > before);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http.GetAsync(Read, Cancel)));
        }

        await ChangeAsync(new { }, new { }, new { }, new { Id = "renamed" });
        await Wait.UntilAsync(async () => await StatusAsync(Tokens.RequestAsync(_host.Anonymous(), "renamed", TestClients.Secret)) == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http.GetAsync(Read, Cancel)));

        int Failures() => _logs.Warnings.Count(warning => warning.Contains("cannot be read again", StringComparison.Ordinal));
    }

    /// <summary>Changes the test clients in their order.</summary>
    private Task ChangeAsync(params object[] clients) => File.WriteAllTextAsync(_host.SettingsFile, JsonSerializer.Serialize(new { Clients = clients }), Cancel);

    private static async Task<HttpStatusCode> StatusAsync(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        return answer.StatusCode;
    }
}
