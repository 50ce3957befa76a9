using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Access;

/// <summary>Clients of the database: by the API, by the command line, and on a node that others tell nothing.</summary>
public sealed class StoredClientsTests(AuditTests.Audited audited) : IClassFixture<AuditTests.Audited>
{
    private static readonly string[] Reading = [Scopes.StudiesRead];

    private readonly IAlbaHost _host = audited.Host;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_is_added_gets_tokens_at_once_and_its_secret_is_told_this_once()
    {
        using var admin = await AdminAsync();
        var (id, secret) = await AddedAsync(admin, "Warehouse", [TestClients.WorkspaceA], Reading);
        using var http = await ClientAsync(id, secret);
        using var read = await http.ReadAsync("/v1/workspaces");
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);

        // When it was used follows in the background.
        JsonObject client = null!;
        await Wait.UntilAsync(async () => (client = await admin.JsonAsync($"/api/v3/clients/{id}"))["lastUsedAt"] is not null);
        Assert.Equal(
            ("Warehouse", "DATABASE", TestClients.AccountOne.ToString(), TestClients.Privacy, $"[\"{TestClients.WorkspaceA}\"]", """["studies:read"]"""),
            ((string)client["name"]!, (string)client["source"]!, (string)client["account"]!, (string)client["createdBy"]!, client["workspaces"]!.ToJsonString(), client["scopes"]!.ToJsonString()));
        Assert.Contains(("clients add", "done", TestClients.Privacy, id), await EntriesAsync());

        var list = await admin.JsonAsync("/api/v3/clients");
        Assert.Contains(id, IdsOf(list));
        Assert.Contains(TestClients.Reader, IdsOf(list));
        foreach (var text in new[] { client.ToJsonString(), list.ToJsonString(), await RowsAsync("clients"), await RowsAsync("audit") })
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_gives_what_it_does_not_have()
    {
        using var admin = await AdminAsync();
        using var narrow = await WithTokenAsync(TestClients.Privacy, Scopes.ClientsAdmin, Scopes.StudiesRead);
        (HttpClient Http, object Client, HttpStatusCode Status)[] asked =
        [
            (admin, Of("x", [TestClients.WorkspaceB], Reading), HttpStatusCode.Forbidden),
            (admin, Of("x", [TestClients.WorkspaceA, TestClients.WorkspaceB], Reading), HttpStatusCode.Forbidden),
            (admin, Of("x", [Guid.NewGuid()], Reading), HttpStatusCode.Forbidden),
            (narrow, Of("x", [TestClients.WorkspaceA], [Scopes.EventsWrite]), HttpStatusCode.Forbidden),
            (narrow, Of("x", [TestClients.WorkspaceA], [Scopes.StudiesRead, Scopes.PrivacyRead]), HttpStatusCode.Forbidden),
            (admin, Of("", [TestClients.WorkspaceA], Reading), HttpStatusCode.BadRequest),
            (admin, Of(new string('x', 101), [TestClients.WorkspaceA], Reading), HttpStatusCode.BadRequest),
            (admin, Of("\u001b[2J", [TestClients.WorkspaceA], Reading), HttpStatusCode.BadRequest),
            (admin, Of("x", [], Reading), HttpStatusCode.BadRequest),
            (admin, Of("x", [TestClients.WorkspaceA, TestClients.WorkspaceA], Reading), HttpStatusCode.BadRequest),
            (admin, Of("x", [TestClients.WorkspaceA], []), HttpStatusCode.BadRequest),
            (admin, Of("x", [TestClients.WorkspaceA], ["studies:delete"]), HttpStatusCode.BadRequest),
            (admin, new { name = "x", workspaces = new[] { TestClients.WorkspaceA }, scopes = Reading, account = TestClients.AccountTwo }, HttpStatusCode.BadRequest),
            (admin, new { name = "x", workspaces = new[] { "A" }, scopes = Reading }, HttpStatusCode.BadRequest),
            (admin, new { name = "x" }, HttpStatusCode.BadRequest),
            (admin, new[] { 1 }, HttpStatusCode.BadRequest),
            (admin, new { name = new string('x', 40_000) }, HttpStatusCode.RequestEntityTooLarge),
        ];
        foreach (var (http, client, status) in asked)
        {
            using var answer = await http.PostAsJsonAsync("/api/v3/clients", client, Cancelled);
            Assert.Equal((client.ToString(), status), (client.ToString(), answer.StatusCode));
        }
    }

    [Fact]
    public async Task A_client_reaches_those_that_have_no_more_than_it_and_cannot_lock_itself_out()
    {
        using var ofBoth = await AdminAsync(TestClients.PrivacyOfBoth);
        using var ofOne = await AdminAsync();
        using var narrow = await WithTokenAsync(TestClients.Privacy, Scopes.ClientsAdmin);
        var (elsewhere, _) = await AddedAsync(ofBoth, "elsewhere", [TestClients.WorkspaceA, TestClients.WorkspaceB], Reading);
        var (here, _) = await AddedAsync(ofBoth, "here", [TestClients.WorkspaceA], Reading);
        var (self, secret) = await AddedAsync(ofBoth, "self", [TestClients.WorkspaceA], [Scopes.ClientsAdmin]);
        using var itself = await ClientAsync(self, secret);

        // Of another workspace too: it is not there.
        Assert.Equal("404 404 404", await TryAllAsync(ofOne, elsewhere));
        Assert.DoesNotContain(elsewhere, IdsOf(await ofOne.JsonAsync("/api/v3/clients")));
        // Of another account, whose workspace may have the same id.
        var foreign = SecretHash.Generate();
        var added = await _host.Services.GetRequiredService<ClientChanges>().AddAsync(
            new ClientRecord { ClientId = "", Name = "foreign", Source = ClientSource.Database, Account = TestClients.AccountTwo, Workspaces = [TestClients.WorkspaceA], Scopes = [.. Scopes.All] },
            SecretHash.Of(foreign), new ClientChanger("test", Address: null), Cancelled);
        using var stranger = await ClientAsync(added.Record!.ClientId, foreign);
        Assert.Equal("404 404 404", await TryAllAsync(stranger, here));
        Assert.Equal("404 404 404", await TryAllAsync(ofBoth, added.Record.ClientId));
        Assert.DoesNotContain(here, IdsOf(await stranger.JsonAsync("/api/v3/clients")));
        // With scopes that the token lacks: seen, and not changed.
        Assert.Equal("200 403 403", await TryAllAsync(narrow, here));
        // Of the configuration: seen, and its settings' alone.
        Assert.Equal("200 409 409", await TryAllAsync(ofOne, TestClients.Reader));
        Assert.Equal("404 404 404", await TryAllAsync(ofOne, TestClients.OtherWorkspace));
        foreach (var strange in new[] { "-", "a%20b", new string('x', 200), "%E2%80%AE" })
            Assert.Equal("404 404 404", await TryAllAsync(ofOne, strange));

        Assert.Equal(409, await StatusAsync(itself.DeleteAsync(ClientUri(self), Cancelled)));
        Assert.Equal(409, await StatusAsync(itself.PostAsync(ClientUri(self, "/secret?oldHours=0"), content: null, Cancelled)));
        Assert.Equal(200, await StatusAsync(itself.PostAsync(ClientUri(self, "/secret"), content: null, Cancelled)));
        Assert.Equal(200, await TokenStatusAsync(self, secret));
        Assert.Equal("200 200 200", await TryAllAsync(ofBoth, here));
        Assert.Equal("200 404 404", await TryAllAsync(ofBoth, here));
    }

    [Fact]
    public async Task Two_secrets_are_right_while_they_are_rotated_and_the_old_one_ends_when_it_was_told()
    {
        using var admin = await AdminAsync();
        var (id, first) = await AddedAsync(admin, "rotating", [TestClients.WorkspaceA], Reading);
        var (second, until) = await RotatedAsync("?oldHours=48");
        Assert.InRange(until!.Value - DateTimeOffset.UtcNow, TimeSpan.FromHours(47), TimeSpan.FromHours(49));
        Assert.Equal("200 200", await TokensAsync(first, second));

        // A third has to say whose place it takes.
        Assert.Equal(409, await StatusAsync(admin.PostAsync(ClientUri(id, "/secret"), content: null, Cancelled)));
        var (third, still) = await RotatedAsync("?replaces=newer");
        Assert.Equal((until, "200 401 200"), (still, await TokensAsync(first, second, third)));
        var (fourth, _) = await RotatedAsync("?replaces=older");
        Assert.Equal("401 200 200", await TokensAsync(first, third, fourth));

        // Its time comes.
        await ExecuteAsync($"update results.clients set old_secret_until = clock_timestamp() where id = '{id}'");
        await Wait.UntilAsync(async () => await TokenStatusAsync(id, third) == 401);
        Assert.Null((await admin.JsonAsync($"/api/v3/clients/{id}"))["oldSecretUntil"]);
        var (fifth, none) = await RotatedAsync("?oldHours=0");
        Assert.Equal((null, "401 200"), (none, await TokensAsync(fourth, fifth)));
        Assert.Equal(4, (await EntriesAsync()).Count(entry => entry == ("clients rotate", "done", TestClients.Privacy, id)));

        async Task<(string Secret, DateTimeOffset? Until)> RotatedAsync(string query)
        {
            using var answer = await admin.PostAsync(ClientUri(id, $"/secret{query}"), content: null, Cancelled);
            var body = await answer.JsonAsync();
            return ((string)body["secret"]!, (DateTimeOffset?)body["client"]!["oldSecretUntil"]);
        }

        async Task<string> TokensAsync(params string[] secrets) => string.Join(' ', await Task.WhenAll(secrets.Select(secret => TokenStatusAsync(id, secret))));
    }

    [Fact]
    public async Task Operators_change_clients_by_commands_which_nodes_follow()
    {
        var (account, workspace, id) = (Guid.NewGuid(), Guid.NewGuid(), $"bi-{Guid.NewGuid():N}");
        string[] rights = ["--account", account.ToString(), "--workspace", workspace.ToString(), "--scope", "studies:read,events:write"];
        var added = await audited.RunAsync(["clients", "add", id, .. rights, "--name", "BI", "--reads-per-minute", "77"]);
        Assert.True(added.ExitCode == 0, added.Errors);
        var secret = added.Output.Trim();
        Assert.Matches("^res_[A-Za-z0-9_-]{43}$", secret);
        await Wait.UntilAsync(async () => await TokenStatusAsync(id, secret) == 200);
        using var http = await ClientAsync(id, secret);
        var session = TestData.Session(workspace: workspace);
        await http.RecordAsync(session);
        using var read = await http.GetResultAsync(session.Id);
        Assert.Equal((HttpStatusCode.OK, "77"), (read.StatusCode, read.Headers.GetValues("x-ratelimit-limit").Single()));

        // An id is one client's, whether it is configured, added or revoked.
        var configured = await audited.RunAsync(["clients", "add", TestClients.Reader, .. rights]);
        Assert.Equal((1, "Another client has this id, or had it until lately."), (configured.ExitCode, configured.Errors.Trim()));
        var rotated = await audited.RunAsync("clients", "rotate", id, "--old-hours", "0");
        Assert.True(rotated.ExitCode == 0, rotated.Errors);
        await Wait.UntilAsync(async () => await TokenStatusAsync(id, rotated.Output.Trim()) == 200);
        Assert.Equal(401, await TokenStatusAsync(id, secret));
        var revoked = await audited.RunAsync("clients", "revoke", id);
        Assert.True(revoked.ExitCode == 0, revoked.Errors);
        await Wait.UntilAsync(async () => (await http.ReadAsync("/v1/workspaces")).StatusCode == HttpStatusCode.Unauthorized);
        var again = await audited.RunAsync(["clients", "add", id, .. rights]);
        Assert.Equal((1, configured.Errors), (again.ExitCode, again.Errors));

        var list = (await audited.RunAsync("clients", "list")).Output;
        Assert.Matches($@"(?m)^{id}  revoked \S+Z  {account}  1 workspaces  studies:read,events:write  used \S+Z  BI$", list);
        Assert.Contains($"{TestClients.Reader}  configuration  {TestClients.AccountOne}  1 workspaces  studies:read,events:write", list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, list + await RowsAsync("clients") + await RowsAsync("audit"), StringComparison.Ordinal);
        var entries = await EntriesAsync();
        foreach (var action in new[] { "clients add", "clients rotate", "clients revoke" })
            Assert.Contains(entries, entry => (entry.Action, entry.Outcome, entry.Subject) == (action, "done", id) && entry.Client!.StartsWith("operator ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_account_has_so_many_clients_and_no_other_account_feels_it()
    {
        using var admin = await AdminAsync();
        var full = Guid.NewGuid();
        await ExecuteAsync(
            $"""
            insert into results.clients (id, account, name, workspaces, scopes, secret_hash, secret_since, created_at, created_by)
            select 'full-' || n, '{full}', 'n', array[gen_random_uuid()], array['studies:read'], 'sha256:', now(), now(), 'test' from generate_series(1, {ClientChanges.MaxOfAccount}) n
            """);
        var changes = _host.Services.GetRequiredService<ClientChanges>();

        Assert.Equal(ClientChangeOutcome.Full, (await AddAsync()).Outcome);
        await ExecuteAsync($"update results.clients set revoked_at = now() where id = 'full-1' and account = '{full}'");
        Assert.Equal(ClientChangeOutcome.Done, (await AddAsync()).Outcome);
        await AddedAsync(admin, "of another account", [TestClients.WorkspaceA], Reading);

        // One that was revoked long ago is forgotten.
        await ExecuteAsync($"update results.clients set revoked_at = now() - interval '{ClientChanges.RevokedDays + 1} days' where id in ('full-1', 'full-2')");
        await AddAsync();
        Assert.DoesNotContain("full-1,", await RowsAsync("clients"), StringComparison.Ordinal);
        await ExecuteAsync($"delete from results.clients where account = '{full}'");

        Task<ClientChange> AddAsync() => changes.AddAsync(
            new ClientRecord { ClientId = "", Name = "n", Source = ClientSource.Database, Account = full, Workspaces = [Guid.NewGuid()], Scopes = Reading },
            SecretHash.Of(SecretHash.Generate()), new ClientChanger("test", Address: null), Cancelled);
    }

    [Fact]
    public async Task While_clients_cannot_be_read_those_that_are_known_go_on()
    {
        using var admin = await AdminAsync();
        var (id, secret) = await AddedAsync(admin, "known", [TestClients.WorkspaceA], Reading);
        var clients = _host.Services.GetRequiredService<Clients>();
        await ExecuteAsync("alter table results.clients rename to clients_away");
        try
        {
            await clients.RefreshAsync(Cancelled);
            Assert.Equal(200, await TokenStatusAsync(id, secret));
            Assert.Equal(200, await StatusAsync((await ClientAsync(id, secret)).ReadAsync("/v1/workspaces")));
        }
        finally
        {
            await ExecuteAsync("alter table results.clients_away rename to clients");
        }

        await clients.RefreshAsync(Cancelled);
        Assert.Equal(200, await StatusAsync(admin.DeleteAsync(ClientUri(id), Cancelled)));
        Assert.Equal(401, await TokenStatusAsync(id, secret));
    }

    private static object Of(string name, Guid[] workspaces, string[] scopes) => new { name, workspaces, scopes };

    private static Uri ClientUri(string id, string rest = "") => new($"/api/v3/clients/{id}{rest}", UriKind.Relative);

    private static IEnumerable<string> IdsOf(JsonObject list) => list["clients"]!.AsArray().Select(client => (string)client!["clientId"]!);

    private static async Task<int> StatusAsync(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        return (int)answer.StatusCode;
    }

    /// <summary>The statuses of reading, rotating and revoking a client.</summary>
    private static async Task<string> TryAllAsync(HttpClient http, string id)
    {
        var read = await StatusAsync(http.GetAsync(ClientUri(id), Cancelled));
        var rotated = await StatusAsync(http.PostAsync(ClientUri(id, "/secret"), content: null, Cancelled));
        return $"{read} {rotated} {await StatusAsync(http.DeleteAsync(ClientUri(id), Cancelled))}";
    }

    private static async Task<(string Id, string Secret)> AddedAsync(HttpClient http, string name, Guid[] workspaces, string[] scopes)
    {
        using var answer = await http.PostAsJsonAsync("/api/v3/clients", Of(name, workspaces, scopes), Cancelled);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync(Cancelled));
        var body = await answer.JsonAsync();
        return ((string)body["client"]!["clientId"]!, (string)body["secret"]!);
    }

    private Task<HttpClient> AdminAsync(string client = TestClients.Privacy) => WithTokenAsync(client);

    private async Task<HttpClient> WithTokenAsync(string client, params string[] scopes)
    {
        var http = DescribedAnswers.Of(_host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, client, scopes));
        return http;
    }

    private async Task<HttpClient> ClientAsync(string id, string secret)
    {
        var http = DescribedAnswers.Of(_host);
        using var answer = await Tokens.RequestAsync(http, id, secret);
        http.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await answer.JsonAsync())["access_token"]!);
        return http;
    }

    private async Task<int> TokenStatusAsync(string id, string secret)
    {
        using var http = DescribedAnswers.Of(_host);
        return await StatusAsync(Tokens.RequestAsync(http, id, secret));
    }

    private async Task<List<(string Action, string Outcome, string? Client, string? Subject)>> EntriesAsync()
    {
        await using var command = Database.CreateCommand("select action, outcome, client, subject from results.audit where kind = 'access'");
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var entries = new List<(string, string, string?, string?)>();
        while (await reader.ReadAsync(Cancelled))
            entries.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3)));
        return entries;
    }

    private NpgsqlDataSource Database => _host.Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>All rows of a table as text.</summary>
    private async Task<string> RowsAsync(string table)
    {
        await using var command = Database.CreateCommand($"select coalesce(string_agg(t::text, E'\\n'), '') from results.{table} t");
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
