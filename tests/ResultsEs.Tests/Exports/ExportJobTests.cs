using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Exports;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Exports;

/// <summary>Exports that are made in the background, on a database of their own: erasures of other tests would end them.</summary>
public sealed class ExportJobTests(ExportJobTests.SmallParts service) : IClassFixture<ExportJobTests.SmallParts>
{
    private static readonly string Guide = File.ReadAllText(Path.Combine(ReadmeTests.Root, "docs", "exports.md"));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => service.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task Its_files_hold_what_its_manifest_says_and_need_no_token()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await service.ClientAsync();
        using var both = await service.ClientAsync(TestClients.BothWorkspaces);
        var sessions = new[] { TestData.SessionWithEverything(), TestData.Session().WithAnswer(Answers.Nps(4)) };
        foreach (var session in sessions)
            await http.RecordAsync(session);
        await both.RecordAsync(TestData.Session(TestClients.WorkspaceB).WithAnswer(Answers.Nps(1)));

        var asked = await AskAsync(http, "format=parquet");
        var job = await DoneAsync(http, asked);
        var files = await SaveAsync(job, folder);

        // As many parts as the sessions of all tests need.
        var sessionFiles = files.Where(file => (string)file.File["table"]! == "sessions").Select(file => $"'{file.Path}'");
        var rows = await Duck.RunAsync(files.Select(file => $"select count(*) as n from '{file.Path}'")
            .Append($"select distinct session_id, workspace_id from read_parquet([{string.Join(", ", sessionFiles)}])"));
        Assert.Equal(Tables.Names.Order(StringComparer.Ordinal), files.Select(file => (string)file.File["table"]!).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(files.Select(file => file.File["rows"]!.ToString()), rows.Take(files.Count).Select(one => (string)one[0]["n"]!));
        Assert.Superset(sessions.Select(session => session.Id.ToString()).ToHashSet(StringComparer.Ordinal), rows[^1].Select(row => (string)row["session_id"]!).ToHashSet(StringComparer.Ordinal));
        Assert.All(rows[^1], row => Assert.Equal(TestClients.WorkspaceA.ToString(), (string)row["workspace_id"]!));
        Assert.Equal((0, (long)job["sessions"]!), ((int)job["problems"]!, (long)job["totalSessions"]!));

        using var nobody = service.Anonymous();
        var url = new Uri((string)files[0].File["url"]!).PathAndQuery;
        using var range = new HttpRequestMessage(HttpMethod.Get, new Uri(url, UriKind.Relative));
        range.Headers.Range = new RangeHeaderValue(0, 3);
        using var part = await nobody.SendAsync(range, Cancelled);
        Assert.Equal((HttpStatusCode.PartialContent, "PAR1"), (part.StatusCode, await part.Content.ReadAsStringAsync(Cancelled)));
        Assert.Equal(HttpStatusCode.NotFound, (await nobody.ReadAsync(url[..^1] + (url[^1] == 'A' ? 'B' : 'A'))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await nobody.ReadAsync(url.Replace("expires=", "expires=9", StringComparison.Ordinal))).StatusCode);

        // It is the account's, for who has all of its workspaces.
        using var stranger = await service.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        using var other = await service.ClientAsync(TestClients.OtherWorkspace);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.OK), ((await stranger.ReadAsync(asked)).StatusCode, (await other.ReadAsync(asked)).StatusCode, (await both.ReadAsync(asked)).StatusCode));
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync(new Uri($"/api/v3/exports?workspaceId={TestClients.WorkspaceB}", UriKind.Relative), null, Cancelled)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync(new Uri($"/api/v3/exports?testId={Guid.NewGuid()}", UriKind.Relative), null, Cancelled)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsync(new Uri("/api/v3/exports?format=wide-csv", UriKind.Relative), null, Cancelled)).StatusCode);
    }

    [Fact]
    public async Task A_large_one_has_parts_of_which_each_row_is_in_one_and_goes_on_after_a_kill()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await service.ClientAsync();
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 12).Select(_ => TestData.Session(test: test).WithAnswer(Answers.Written(Noise())).WithAnswer(Answers.Written(Noise()))).ToList();
        foreach (var session in sessions)
            await http.RecordAsync(session);

        // As a node leaves it that is killed in the second part: chunks of which no part knows, and an export that runs.
        string asked;
        await using (var worker = await HoldAsync())
        {
            asked = await AskAsync(http, $"testId={test}&format=csv&table=answers");
            await using var connection = await Database.OpenConnectionAsync(Cancelled);
            await connection.ExecuteAsync(
                "insert into results.export_chunks (export_id, file_id, number, data) select e.id, gen_random_uuid(), 0, 'x' from results.exports e where e.id = $1", [Guid.Parse(asked[^36..])], Cancelled);
            await connection.ExecuteAsync("update results.exports e set state = 'Running' where e.id = $1", [Guid.Parse(asked[^36..])], Cancelled);
        }

        var job = await DoneAsync(http, asked);
        var files = await SaveAsync(job, folder);
        Assert.InRange(files.Count, 2, 12);
        var rows = (await Duck.RunAsync($"select session_id, answer_text from read_csv('{folder.Path}/*.csv', header = true, all_varchar = true)"))[0];
        Assert.Equal(
            sessions.SelectMany(session => session.Events.Skip(1).Select(e => (session.Id.ToString(), (string)e["data"]!["answer"]!["text"]!))).Order(),
            rows.Select(row => ((string)row["session_id"]!, (string)row["answer_text"]!)).Order());
        await Wait.UntilAsync(async () => await CountAsync("select count(*) from results.export_chunks c where c.data = 'x'") == 0);
    }

    [Fact]
    public async Task What_changed_since_merges_into_a_copy_that_is_then_as_a_new_export()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await service.ClientAsync(TestClients.Privacy);
        var (test, elsewhere) = (Guid.NewGuid(), Guid.NewGuid());
        var (same, changed, moved, erased) = (TestData.Session(test: test).WithAnswer(Answers.Nps(1)), TestData.Session(test: test).WithAnswer(Answers.Nps(2)), TestData.Session(test: test).WithAnswer(Answers.Nps(3)), TestData.Session(test: test).Profiled().WithAnswer(Answers.Written("me")));
        foreach (var session in new[] { same, changed, moved, erased })
            await http.RecordAsync(session);
        var first = await DoneAsync(http, await AskAsync(http, $"testId={test}&format=parquet&table=sessions&table=answers"));
        await SaveAsync(first, folder, "full");

        var added = TestData.Session(test: test).WithAnswer(Answers.Rating(4));
        await http.RecordAsync(added);
        await http.RecordAsync(changed.WithAnswer(Answers.Nps(9)));
        await http.RecordAsync(TestData.SessionOnly(moved.Id, elsewhere).Started(TestClients.WorkspaceA).But("time", "\"2026-03-02T10:15:00.000Z\""));
        using (var erasure = await http.DeleteAsync(new Uri($"/api/v2/sessions/{erased.Id}", UriKind.Relative), Cancelled))
            Assert.Equal("DONE", (string)(await erasure.JsonAsync())["state"]!);
        var next = await DoneAsync(http, await AskAsync(http, $"testId={test}&format=parquet&table=sessions&table=answers&since={first["cursor"]}"));
        var delta = await SaveAsync(next, folder, "delta");
        await SaveAsync(await DoneAsync(http, await AskAsync(http, $"testId={test}&format=parquet&table=sessions&table=answers")), folder, "again");

        var merge = Guide.Split("```sql\n")[1].Split("```")[0].Replace("'delta/", $"'{folder.Path}/delta/", StringComparison.Ordinal);
        var statements = merge.Split(";\n", StringSplitOptions.RemoveEmptyEntries);
        var results = await Duck.RunAsync(
        [
            $"create table sessions as select * from '{folder.Path}/full/sessions*.parquet'", $"create table answers as select * from '{folder.Path}/full/answers*.parquet'",
            // Twice, because it may be.
            .. statements, .. statements,
            $"select count(*) as n from ((from sessions except from '{folder.Path}/again/sessions*.parquet') union all (from '{folder.Path}/again/sessions*.parquet' except from sessions))",
            $"select count(*) as n from ((from answers except from '{folder.Path}/again/answers*.parquet') union all (from '{folder.Path}/again/answers*.parquet' except from answers))",
            "select count(*) as n, count(distinct session_id) as d from sessions",
            $"select session_id, kind, reason from '{Of(delta, "changes")}' order by all",
        ]);

        Assert.Equal(("0", "0", "4", "4"), ((string)results[^4][0]["n"]!, (string)results[^3][0]["n"]!, (string)results[^2][0]["n"]!, (string)results[^2][0]["d"]!));
        Assert.Equal(
            new[] { (added.Id, "upserted", null), (changed.Id, "upserted", null), (moved.Id, "removed", "moved"), (erased.Id, "removed", "erased"), (erased.Id, "upserted", (string?)null) }.Order(),
            results[^1].Select(row => (Guid.Parse((string)row["session_id"]!), (string)row["kind"]!, (string?)row["reason"])).Order());
    }

    [Fact]
    public async Task Files_go_with_an_erasure_and_with_their_time()
    {
        using var http = await service.ClientAsync(TestClients.Privacy);
        var (erased, test) = (TestData.Session().Profiled().WithAnswer(Answers.Written("me")), TestData.Session());
        await http.RecordAsync(erased);
        await http.RecordAsync(test);
        var asked = await AskAsync(http, $"testId={erased.TestId}&format=ndjson&table=answers");
        var url = new Uri((string)(await DoneAsync(http, asked))["files"]![0]!["url"]!).PathAndQuery;
        using var nobody = service.Anonymous();
        Assert.Contains("me", await nobody.GetStringAsync(new Uri(url, UriKind.Relative), Cancelled), StringComparison.Ordinal);

        using var erasure = await http.DeleteAsync(new Uri($"/api/v2/sessions/{erased.Id}", UriKind.Relative), Cancelled);
        var after = await http.JsonAsync(asked);
        Assert.Equal(("ERASED", 0, HttpStatusCode.NotFound), ((string)after["state"]!, after["files"]!.AsArray().Count, (await nobody.ReadAsync(url)).StatusCode));
        await ForgottenAsync(asked);

        var late = await AskAsync(http, $"testId={test.TestId}&format=csv&table=sessions");
        await DoneAsync(http, late);
        await using (var connection = await Database.OpenConnectionAsync(Cancelled))
            await connection.ExecuteAsync("update results.exports e set ended_at = ended_at - interval '25 hours' where e.id = $1", [Guid.Parse(late[^36..])], Cancelled);
        await Wait.UntilAsync(async () => (string)(await http.JsonAsync(late))["state"]! == "EXPIRED");
        await ForgottenAsync(late);
    }

    [Fact]
    public async Task Accounts_take_turns_and_none_has_more_under_way_than_it_may()
    {
        using var one = await service.ClientAsync();
        using var two = await service.ClientAsync(TestClients.OtherAccount);
        var asked = new List<string>();
        string others;
        await using (var worker = await HoldAsync())
        {
            for (var i = 0; i < 4; i++)
                asked.Add(await AskAsync(one, "table=sessions"));
            using var refused = await one.PostAsync(new Uri("/api/v3/exports", UriKind.Relative), null, Cancelled);
            Assert.Equal((HttpStatusCode.TooManyRequests, "60"), (refused.StatusCode, refused.Headers.RetryAfter?.ToString()));
            others = await AskAsync(two, "table=sessions");
        }

        var ended = new List<(DateTimeOffset At, string Of)>();
        foreach (var (http, path) in asked.Select(path => (one, path)).Append((two, others)))
            ended.Add((DateTimeOffset.Parse((string)(await DoneAsync(http, path))["endedAt"]!, CultureInfo.InvariantCulture), path));
        Assert.Contains(others, ended.OrderBy(one => one.At).ThenBy(one => one.Of == others ? 0 : 1).Take(2).Select(one => one.Of));
    }

    [Fact]
    public async Task The_command_writes_the_same_to_a_folder()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await service.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.SessionWithEverything(test: test));
        var target = Path.Combine(folder.Path, "to");

        var run = await ServiceProcess.RunAsync(["export", "--account", TestClients.AccountOne.ToString(), "--test", test.ToString(), "--to", target, "--tables", "answers,cues"], service.Environment());

        Assert.True(run.ExitCode == 0, run.Errors);
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(target, "manifest.json"), Cancelled))!;
        Assert.Equal(["answers", "cues"], manifest["files"]!.AsArray().Select(file => (string)file!["table"]!));
        foreach (var file in manifest["files"]!.AsArray())
            Assert.Equal((string)file!["sha256"]!, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(target, (string)file["name"]!), Cancelled))));
        var online = await TableExportTests.SaveAsync(http, $"/api/v3/testResults/{test}/export?format=parquet", folder, "online.parquet");
        Assert.Equal("0", (string)(await Duck.RunAsync($"select count(*) as n from ((from '{target}/answers.parquet' except from '{online}') union all (from '{online}' except from '{target}/answers.parquet'))"))[0][0]["n"]!);
        Assert.Equal("", await http.GetStringAsync(new Uri($"/api/v3/testResults/{test}/export?format=ndjson&table=changes&since={manifest["cursor"]}", UriKind.Relative), Cancelled));
    }

    /// <summary>Killed while it writes, it leaves files and no manifest; the same command begins anew in their place, and in no other.</summary>
    [Fact]
    public async Task The_command_begins_anew_in_the_place_of_an_export_that_broke_off()
    {
        using var folder = new TempFolder();
        using var http = await service.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.SessionWithEverything(test: test));
        string[] command = ["export", "--account", TestClients.AccountOne.ToString(), "--test", test.ToString(), "--to", folder.Path, "--format", "csv", "--tables", "answers"];
        // Of other tables, of which the command asks for none now.
        foreach (var (name, text) in new[] { ("answers.csv", "half of a"), ("cues.csv", "session_id,"), ("manifest.json.part", "{") })
            await File.WriteAllTextAsync(Path.Combine(folder.Path, name), text, Cancelled);

        var again = await ServiceProcess.RunAsync(command, service.Environment());
        Assert.True(again.ExitCode == 0, again.Errors);
        Assert.Contains("The export that broke off is begun anew.", again.Errors, StringComparison.Ordinal);
        Assert.Equal(["answers.csv", "manifest.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(
            await http.GetStringAsync(new Uri($"/api/v3/testResults/{test}/export?format=csv", UriKind.Relative), Cancelled),
            await File.ReadAllTextAsync(Path.Combine(folder.Path, "answers.csv"), Cancelled));

        var whole = await ServiceProcess.RunAsync(command, service.Environment());
        Assert.Equal((1, "--to has a whole export. Choose another folder."), (whole.ExitCode, whole.Errors.Trim()));
        File.Delete(Path.Combine(folder.Path, "manifest.json"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "thesis.txt"), "mine", Cancelled);
        var other = await ServiceProcess.RunAsync(command, service.Environment());
        Assert.Equal((1, "--to has files that are of no export. Choose an empty folder, or a new one."), (other.ExitCode, other.Errors.Trim()));
        Assert.True(File.Exists(Path.Combine(folder.Path, "answers.csv")));
    }

    [Fact]
    public async Task What_is_asked_for_may_stand_in_the_query_or_in_a_body()
    {
        using var http = await service.ClientAsync();
        var test = TestData.Session().WithAnswer(Answers.Nps(3));
        await http.RecordAsync(test);
        var expected = await PostAsync($"?testId={test.TestId}&workspaceId={TestClients.WorkspaceA}&format=ndjson&table=answers&table=cues", null);
        Assert.Equal(expected, await PostAsync("", $$"""{"testId":"{{test.TestId}}","workspaceId":"{{TestClients.WorkspaceA}}","format":"ndjson","table":["answers","cues"],"since":null}"""));
        Assert.Equal(expected, await PostAsync($"?testId={test.TestId}&table=answers&table=cues", $$"""{"workspaceId":"{{TestClients.WorkspaceA}}","format":"ndjson"}"""));
        Assert.Contains("\"format\":\"csv\"", await PostAsync("", $$"""{"testId":"{{test.TestId}}","bom":true,"table":["sessions"]}"""), StringComparison.Ordinal);

        async Task<string> PostAsync(string query, string? body)
        {
            using var content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri("/api/v3/exports" + query, UriKind.Relative), content, Cancelled);
            Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(Cancelled));
            var path = answer.Headers.Location!.ToString();
            var job = await DoneAsync(http, path);
            return new JsonObject(job.Where(member => member.Key is "testId" or "workspaceIds" or "tables" or "format" or "since").Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()))).ToJsonString();
        }
    }

    [Theory]
    [InlineData("", """{"testId":"x"}""", 400, "testId", "must be a UUID")]
    [InlineData("", """{"testId":3}""", 400, "testId", "must be a text or null")]
    [InlineData("", """{"table":"answers"}""", 400, "table", "must be a list of texts")]
    [InlineData("", """{"table":["answers",null]}""", 400, "table", "must be a list of texts")]
    [InlineData("", """{"table":["people"]}""", 400, "table", "must be one of sessions, answers, demographics, interactions, cues, changes")]
    [InlineData("", """{"bom":"true"}""", 400, "bom", "must be true or false")]
    [InlineData("", """{"format":"parquet","bom":true}""", 400, "bom", "is for csv and wide-csv alone")]
    [InlineData("?format=csv", """{"format":"csv"}""", 400, "format", "must be there once")]
    [InlineData("?table[]=cues", """{"table":["cues"]}""", 400, "table", "must be there once")]
    [InlineData("", """{"tables":["cues"]}""", 400, "tables", "is not a member of an export; there are testId, workspaceId, format, table, bom, since")]
    [InlineData("", """{"format":"csv","format":"csv"}""", 400, "$", "must be JSON, in which no member comes twice")]
    [InlineData("", """{"format":"\ud83d"}""", 400, "$", "must be JSON, in which no member comes twice")]
    [InlineData("", """[]""", 400, "$", "must be an object")]
    [InlineData("", """{""", 400, "$", "must be JSON, in which no member comes twice")]
    public async Task A_body_that_cannot_be_is_refused_by_its_member(string query, string body, int status, string member, string problem)
    {
        using var http = await service.ClientAsync();
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/api/v3/exports" + query, UriKind.Relative), content, Cancelled);
        Assert.Equal(problem, (string?)(await answer.ProblemAsync((HttpStatusCode)status))["errors"]![member]![0]);
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_or_too_large_is_not_read()
    {
        using var http = await service.ClientAsync();
        foreach (var (body, type, status) in new[] { ("format=csv", "application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType), (new string(' ', 17_000), "application/json", HttpStatusCode.RequestEntityTooLarge) })
        {
            using var content = new StringContent(body, System.Text.Encoding.UTF8, type);
            using var answer = await http.PostAsync(new Uri("/api/v3/exports", UriKind.Relative), content, Cancelled);
            await answer.ProblemAsync(status);
        }
    }

    private static string Of(IEnumerable<(string Path, JsonNode File)> files, string table) => files.Single(file => (string)file.File["table"]! == table).Path;

    private static string Noise() => Convert.ToHexString(RandomNumberGenerator.GetBytes(45_000));

    /// <summary>Asks for an export, and gives its address.</summary>
    private static async Task<string> AskAsync(HttpClient http, string query)
    {
        using var answer = await http.PostAsync(new Uri($"/api/v3/exports?{query}", UriKind.Relative), null, Cancelled);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(Cancelled));
        var job = await answer.JsonAsync();
        Assert.Equal($"/api/v3/exports/{job["exportId"]}", answer.Headers.Location!.ToString());
        return answer.Headers.Location!.ToString();
    }

    private static async Task<JsonObject> DoneAsync(HttpClient http, string path)
    {
        JsonObject job = [];
        await Wait.UntilAsync(async () =>
        {
            job = await http.JsonAsync(path);
            Assert.True((string)job["state"]! is "WAITING" or "RUNNING" or "DONE", job.ToJsonString());
            return (string)job["state"]! == "DONE";
        });
        return job;
    }

    /// <summary>Downloads the files of an export without a token, and checks each against the manifest.</summary>
    private async Task<IReadOnlyList<(string Path, JsonNode File)>> SaveAsync(JsonObject job, TempFolder folder, string name = "")
    {
        using var nobody = service.Anonymous();
        var files = new List<(string, JsonNode)>();
        foreach (var file in job["files"]!.AsArray())
        {
            var bytes = await nobody.GetByteArrayAsync(new Uri(new Uri((string)file!["url"]!).PathAndQuery, UriKind.Relative), Cancelled);
            Assert.Equal(((long)file["bytes"]!, (string)file["sha256"]!), (bytes.LongLength, Convert.ToHexStringLower(SHA256.HashData(bytes))));
            var path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder.Path, name)).FullName, (string)file["name"]!);
            await File.WriteAllBytesAsync(path, bytes, Cancelled);
            files.Add((path, file));
        }

        return files;
    }

    /// <summary>Takes the worker's place, so that nothing is made.</summary>
    private async Task<AdvisoryLock> HoldAsync()
    {
        AdvisoryLock? held = null;
        await Wait.UntilAsync(async () => (held = await AdvisoryLock.TryHoldAsync(Database, ExportWorker.LockName, Cancelled)) is not null);
        return held!;
    }

    private Task ForgottenAsync(string asked) => Wait.UntilAsync(async () =>
        await CountAsync($"select (select count(*) from results.export_chunks c where c.export_id = '{asked[^36..]}') + (select count(*) from results.export_files f where f.export_id = '{asked[^36..]}')") == 0);

    private async Task<long> CountAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    /// <summary>A host whose exports have small parts.</summary>
    public sealed class SmallParts : IAsyncLifetime
    {
        private readonly TempFolder _data = new();
        private string _database = null!;

        public IAlbaHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _database = await EmbeddedPostgres.TestDatabase.CreateAsync();
            Host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, _database), new("Exports:PartMebibytes", "1")]);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _data.Dispose();
        }

        public Task<HttpClient> ClientAsync(string client = TestClients.Reader) => AppFixture.ClientAsync(Host, client);

        public HttpClient Anonymous() => DescribedAnswers.Of(Host);

        public IEnumerable<(string Name, string Value)> Environment() =>
            [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", _database), (ResultsEs.EmbeddedPostgres.DataFolder.Variable, _data.Path)];
    }
}
