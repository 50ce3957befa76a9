using System.Net;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Access;

/// <summary>The audit: who did what, of what, from where, and how it ended.</summary>
public sealed class AuditTests(AuditTests.Audited audited) : IClassFixture<AuditTests.Audited>
{
    private const string TokenRoute = "POST /oauth2/token";

    private readonly IAlbaHost _host = audited.Host;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tokens_are_told_whether_given_or_refused_and_no_secret_is()
    {
        var (stranger, secret) = ($"stranger-{Guid.NewGuid():N}{new string('x', 400)}", $"secret-{Guid.NewGuid():N}");
        using var http = DescribedAnswers.Of(_host);
        using (await Tokens.RequestAsync(http, TestClients.ReadOnly, TestClients.Secret))
        using (await Tokens.RequestAsync(http, TestClients.ReadOnly, secret))
        using (await Tokens.RequestAsync(http, stranger, secret))
        {
        }

        Assert.Contains(("token", TokenRoute, "200", TestClients.AccountOne), await FindAsync(TestClients.ReadOnly, 2));
        Assert.Contains(("token", TokenRoute, "401", TestClients.AccountOne), await FindAsync(TestClients.ReadOnly, 2));
        await Wait.UntilAsync(async () => (await RowsAsync()).Contains(stranger[..41], StringComparison.Ordinal));
        var rows = await RowsAsync();
        Assert.DoesNotContain(secret, rows, StringComparison.Ordinal);
        Assert.DoesNotContain(new string('x', 250), rows, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_and_exports_are_told_with_their_outcome_and_so_are_refusals()
    {
        using var reader = await AppFixture.ClientAsync(_host);
        using var stranger = await AppFixture.ClientAsync(_host, TestClients.OtherWorkspace);
        using var writer = await AppFixture.ClientAsync(_host, TestClients.WriteOnly);
        using var anonymous = DescribedAnswers.Of(_host);
        var session = TestData.Session().WithVideo().Transcribed();
        await reader.RecordAsync(session);
        var paths = new[] { "/api/v2/sessionResults/{0}", "/api/v3/sessionResults/{0}", "/api/v2/sessionResults/{0}/transcript", "/api/v2/sessionResults/{0}/clips", "/api/v2/sessionResults/{0}/videoDownloadUrl" };
        foreach (var http in new[] { reader, stranger, writer, anonymous })
        {
            foreach (var path in paths)
                using (await http.ReadAsync(path.Replace("{0}", session.Id.ToString(), StringComparison.Ordinal)))
                {
                }
        }

        using (await reader.ReadAsync($"/api/v3/testResults/{session.TestId}/sessionResults?status=IN_PROGRESS"))
        using (await reader.ReadAsync("/api/v3/sessionResults/not-an-id-but-somebody"))
        {
        }

        var own = await FindAsync(session.Id.ToString(), 10);
        Assert.Equal(5, own.Count(entry => entry is ("read", _, "404", _)));
        Assert.Contains(("read", "GET /api/v3/sessionResults/{sessionId}", "200", TestClients.AccountOne), own);
        Assert.Contains(("export", "GET /api/v3/testResults/{testId}/sessionResults", "200", TestClients.AccountOne), await FindAsync(session.TestId.ToString(), 1));
        Assert.Contains(("refusal", "GET /api/v3/sessionResults/{sessionId}", "403", TestClients.AccountOne), await FindAsync(TestClients.WriteOnly, 6));
        var rows = await RowsAsync();
        Assert.Contains("refusal|GET /api/v3/sessionResults/{sessionId}|401||", rows, StringComparison.Ordinal);
        Assert.DoesNotContain("somebody", rows, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_asks_for_it_and_is_told_there_too()
    {
        using var reader = await AppFixture.ClientAsync(_host);
        var session = TestData.Session();
        await reader.RecordAsync(session);
        using (await reader.GetResultAsync(session.Id))
        {
        }

        await FindAsync(session.Id.ToString(), 1);
        var table = await audited.RunAsync("audit", "--subject", session.Id.ToString().ToUpperInvariant(), "--since", "10m");
        Assert.Equal((0, ""), (table.ExitCode, table.Errors));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  read  GET /api/v3/sessionResults/\{sessionId\}  200  " + $"{TestClients.AccountOne}  {TestClients.Reader}  {session.Id}  ", table.Output.Trim());

        var json = await audited.RunAsync("audit", "--kind", "command", "--json");
        var command = JsonNode.Parse(json.Output.Trim().Split('\n')[0])!;
        Assert.Equal(("command", "audit", "begun", 1), ((string)command["kind"]!, (string)command["action"]!, (string)command["outcome"]!, (int)command["times"]!));
        Assert.StartsWith("operator ", (string)command["client"]!, StringComparison.Ordinal);

        Assert.Equal((1, "--since must be a moment with an offset, or a number with m, h or d."), (await audited.RunAsync("audit", "--since", "yesterday")) is var run ? (run.ExitCode, run.Errors.Trim()) : default);
    }

    [Fact]
    public async Task Entries_go_when_their_time_is_over()
    {
        var mark = Guid.NewGuid().ToString();
        var database = _host.Services.GetRequiredService<NpgsqlDataSource>();
        await ExecuteAsync($"insert into results.audit (at, kind, action, outcome, subject, times) select now() - n * interval '1 day', 'read', 'test', 'done', '{mark}', 1 from generate_series(1, 10) n");

        await AuditWriter.DeleteOldAsync(database, 5, Cancelled);

        Assert.Equal(4, (await FindAsync(mark, 4)).Count);
    }

    [Fact]
    public async Task What_is_too_much_is_counted_and_nobody_waits_for_it()
    {
        var audit = new Audit(TimeProvider.System);
        for (var i = 0; i < Audit.MaxWaiting + 7; i++)
            audit.Note(new AuditEntry(AuditKind.Read, "test", "200"));
        Assert.Equal((7, 0, Audit.MaxWaiting), (audit.TakeDropped(), audit.TakeDropped(), audit.Waiting.Count));

        // What is equal is one row, and a writer that stops stores the rest first.
        var mark = Guid.NewGuid().ToString();
        var rest = new Audit(TimeProvider.System);
        for (var i = 0; i < 9; i++)
            rest.Note(new AuditEntry(AuditKind.Read, "test", "200") { Subject = mark });
        using var writer = new AuditWriter(rest, _host.Services.GetRequiredService<NpgsqlDataSource>(), Options.Create(new AuditOptions()), TimeProvider.System, NullLoggerFactory.Instance);
        await writer.StopAsync(Cancelled);
        Assert.Single(await FindAsync(mark, 1));
        Assert.Contains($"{mark}|9\n", await RowsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_and_its_entry_are_stored_together_or_not_at_all()
    {
        var (kept, lost) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        await using var connection = await _host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled);
        foreach (var (subject, commits) in new[] { (lost, false), (kept, true) })
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancelled);
            await Audit.WriteAsync(connection, new AuditEntry(AuditKind.Erasure, "test", "done") { Subject = subject, Account = TestClients.AccountOne, Address = IPAddress.Loopback }, Cancelled);
            if (commits)
                await transaction.CommitAsync(Cancelled);
            else
                await transaction.RollbackAsync(Cancelled);
        }

        Assert.Equal([("erasure", "test", "done", TestClients.AccountOne)], await FindAsync(kept, 1));
        Assert.DoesNotContain(lost, await RowsAsync(), StringComparison.Ordinal);
    }

    /// <summary>The entries of a client or a subject, once there are so many.</summary>
    private async Task<IReadOnlyList<(string Kind, string Action, string Outcome, Guid? Account)>> FindAsync(string text, int atLeast)
    {
        var found = new List<(string, string, string, Guid?)>();
        await Wait.UntilAsync(async () =>
        {
            found.Clear();
            await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select kind, action, outcome, account from results.audit where client = $1 or subject = $1");
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
            await using var reader = await command.ExecuteReaderAsync(Cancelled);
            while (await reader.ReadAsync(Cancelled))
                found.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetGuid(3)));
            return found.Count >= atLeast;
        });
        return found;
    }

    /// <summary>All rows as text.</summary>
    private async Task<string> RowsAsync()
    {
        await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select coalesce(string_agg(concat_ws('|', kind, action, outcome, coalesce(account::text, ''), coalesce(client, ''), address, subject, times) || E'\\n', ''), '') from results.audit");
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    /// <summary>A host on a database that commands read too.</summary>
    public sealed class Audited : IAsyncLifetime
    {
        private readonly TempFolder _data = new();
        private string _database = null!;

        public IAlbaHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _database = await TestDatabase.CreateAsync();
            Host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, _database)]);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _data.Dispose();
        }

        internal async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
        {
            var run = await ServiceProcess.RunAsync(
                arguments, [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", _database), (DataFolder.Variable, _data.Path), .. ServiceProcess.ToEnvironment(TestClients.Settings())]);
            return (run.ExitCode, run.Output, run.Errors);
        }
    }
}
