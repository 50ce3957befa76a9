using System.Text.Json.Nodes;
using Alba;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Laws;

namespace ResultsEs.Tests.Commands;

/// <summary><c>-- verify …</c></summary>
public sealed class VerifyCommandTests(VerifyCommandTests.Recorded recorded) : IClassFixture<VerifyCommandTests.Recorded>
{
    private string _database = recorded.Database;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_folded_as_it_came_is_what_all_events_fold_into()
    {
        var all = await RunAsync("all");
        Assert.Equal((0, $"{recorded.Sessions.Count + 3} verified, 0 differ"), (all.ExitCode, all.Lines[^1]));
        Assert.Equal((0, "1 verified, 0 differ"), await EndAsync("--account", TestClients.AccountTwo.ToString()));
        Assert.Equal((0, "0 verified, 0 differ"), await EndAsync("--account", Guid.NewGuid().ToString()));
        Assert.Equal((0, "17 verified, 0 differ"), await EndAsync("--sample", "17"));
        Assert.Equal((0, $"{recorded.Sessions.Count + 3} verified, 0 differ"), await EndAsync("--sample", "100000"));
    }

    [Fact]
    public async Task Each_document_that_differs_is_a_line_of_JSON_that_says_where()
    {
        _database = recorded.Copy;
        var (changed, lost) = (recorded.Sessions[0], recorded.Sessions[^1]);
        await ExecuteAsync(
            $$"""
            update results.mt_doc_session_result_2 set data = jsonb_set(data #- '{body,tasks,0,text}', '{body,status}', '"ABANDONED"') where id = '{{changed.Id}}';
            delete from results.mt_doc_session_result_2 where id = '{{lost.Id}}';
            update results.mt_doc_highlight_reel set data = jsonb_set(data, '{rendering}', 'null') where id = '{{recorded.Reel.Id}}';
            update results.mt_doc_test_definition set title = 'Another' where id = '{{recorded.Test.Id}}';
            """);

        var (exitCode, lines) = await RunAsync("all");
        Assert.Equal((1, $"{recorded.Sessions.Count + 3} verified, 4 differ"), (exitCode, lines[^1]));
        var found = lines.Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!).ToDictionary(line => (Guid)line["id"]!);

        var task = changed.Tasks[0];
        Assert.Equal((TestClients.AccountOne, "session_result"), ((Guid)found[changed.Id]["account"]!, (string)found[changed.Id]["kind"]!));
        Assert.Equal(
            $$"""[{"path":"document.body.status","stored":"ABANDONED","folded":"COMPLETE"},{"path":"document.body.tasks[{{task}}].text","folded":"Task 0"}]""",
            found[changed.Id]["differences"]!.ToJsonString());
        var whole = Assert.Single(found[lost.Id]["differences"]!.AsArray())!.AsObject();
        Assert.Equal(["path", "folded"], whole.Select(member => member.Key));
        Assert.Equal(lost.Id, (Guid)whole["folded"]!["document"]!["id"]!);
        var rendering = Assert.Single(found[recorded.Reel.Id]["differences"]!.AsArray())!.AsObject();
        Assert.Equal(("document.rendering", true, null), ((string)rendering["path"]!, rendering.ContainsKey("stored"), rendering["stored"]));
        Assert.Equal("test_definition", (string)found[recorded.Test.Id]["kind"]!);
        Assert.Equal("""[{"path":"columns.title","stored":"Another","folded":"Checkout"}]""", found[recorded.Test.Id]["differences"]!.ToJsonString());
    }

    [Fact]
    public async Task What_the_feed_of_changes_has_otherwise_is_a_line_each_and_is_told_when_repaired()
    {
        _database = await TestDatabase.CopyAsync(recorded.Database);
        var (lacking, behind, ahead, moved, erased) = (recorded.Sessions[^1].Id, recorded.Sessions[^2].Id, recorded.Sessions[^3].Id, recorded.Sessions[^4].Id, recorded.Sessions[^5].Id);
        var invented = Guid.NewGuid();
        await ExecuteAsync(
            $"""
            delete from results.session_changes where session_id = '{lacking}';
            update results.session_changes set version = version - 1 where session_id = '{behind}';
            update results.session_changes set version = version + 1 where session_id = '{ahead}';
            update results.session_changes set test_id = gen_random_uuid() where session_id = '{moved}';
            insert into results.erased values ('{TestClients.AccountOne}', '{erased}', gen_random_uuid(), clock_timestamp());
            insert into results.session_changes (tenant_id, position, session_id, workspace_id, test_id, version, changed_at)
            select tenant_id, nextval('results.change_position') + 1000000, '{invented}', workspace_id, test_id, version, changed_at from results.session_changes where session_id = '{behind}';
            """);
        var expected = new Dictionary<Guid, string>
        {
            [lacking] = "the feed of changes lacks the session",
            [behind] = "the feed of changes knows fewer events than the document",
            [ahead] = "the feed of changes knows more events than the document",
            [moved] = "the feed of changes has the session in another workspace or test",
            [erased] = "the feed of changes has not told that the session is erased",
            [invented] = "the feed of changes has a session that is not there",
        };

        var (exitCode, lines) = await RunAsync("all", "--repair");
        Assert.Equal((0, $"{recorded.Sessions.Count + 3} verified, 6 differ, 6 repaired"), (exitCode, lines[^1]));
        var found = lines.Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(expected.OrderBy(one => one.Key), found.ToDictionary(line => (Guid)line["id"]!, line => (string)line["problem"]!).OrderBy(one => one.Key));
        Assert.All(found, line => Assert.Equal((TestClients.AccountOne, "change"), ((Guid)line["account"]!, (string)line["kind"]!)));
        Assert.Equal((0, $"{recorded.Sessions.Count + 3} verified, 0 differ"), await EndAsync("all"));
    }

    [Theory]
    [InlineData("Say what to verify: all, --sample N or --account ID.")]
    [InlineData("Say what to verify: all, --sample N or --account ID.", "everything")]
    [InlineData("Say what to verify: all, --sample N or --account ID.", "all", "--sample", "3")]
    [InlineData("--sample must be 1 or more.", "--sample", "0")]
    [InlineData("--account must be a UUID.", "--account", "x")]
    public async Task What_cannot_be_verified_says_why(string expected, params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(["verify", .. arguments], Environment());

        Assert.Equal((1, expected), (run.ExitCode, run.Errors.Trim()));
    }

    private async Task<(int ExitCode, string Last)> EndAsync(params string[] arguments)
    {
        var (exitCode, lines) = await RunAsync(arguments);
        return (exitCode, lines[^1]);
    }

    private async Task<(int ExitCode, IReadOnlyList<string> Lines)> RunAsync(params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(["verify", .. arguments], Environment());
        // Before it stands what the command line itself says of its search for commands.
        return (run.ExitCode, [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)]);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private IEnumerable<(string Name, string Value)> Environment() =>
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", _database), (DataFolder.Variable, recorded.Data.Path)];

    /// <summary>A database that these tests verify, and a copy of it to break.</summary>
    public sealed class Recorded : IAsyncLifetime
    {
        internal TempFolder Data { get; } = new();

        internal List<SessionBuilder> Sessions { get; } = [];

        internal ReelBuilder Reel { get; } = TestData.Reel(Guid.NewGuid()).Generated();

        internal TestBuilder Test { get; } = TestData.Test();

        internal string Database { get; private set; } = null!;

        internal string Copy { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            await using (var host = await AppFixture.StartAsync("Production", Data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, Database)]))
                await RecordAsync(host);
            Copy = await TestDatabase.CopyAsync(Database);
        }

        public ValueTask DisposeAsync()
        {
            Data.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task RecordAsync(IAlbaHost host)
        {
            using var http = await AppFixture.ClientAsync(host);
            using var other = await AppFixture.ClientAsync(host, TestClients.OtherAccount);

            // More than are read at once, each in a commit of its own; sessions of every kind among them, and one not started.
            Sessions.Add(TestData.SessionWithEverything());
            Sessions.Add(TestData.SessionOnly().WithAnswer(Answers.Nps(1)));
            CsCheck.Check.Sample(AnySession.Arrivals, arrival => Sessions.Add(arrival.Session), iter: 20, threads: 1);
            for (var i = 0; i < 200; i++)
                Sessions.Add(TestData.Session().WithAnswer(Answers.Nps(i % 11)));
            foreach (var session in Sessions)
            {
                foreach (var part in session.Events.Chunk(400))
                {
                    using var answer = await http.SendAsync($"[{string.Join(',', part.Select(e => e.ToJsonString()))}]");
                    Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
                }
            }

            await http.RecordAsync(Reel);
            await http.RecordAsync(Test);
            await other.RecordAsync(TestData.SessionOnly().Started(TestClients.WorkspaceOfTwo));
        }
    }
}
