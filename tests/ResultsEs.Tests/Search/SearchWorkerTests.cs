using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Search;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Search;

/// <summary>The worker that keeps the texts, and searches over more texts than one request looks at.</summary>
public sealed class SearchWorkerTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task A_rebuild_makes_the_same_texts_again()
    {
        var session = TestData.SessionWithEverything();
        await own.Http.RecordAsync(session);
        await CompleteAsync();
        var before = await TextsAsync(session.Id);
        Assert.NotEqual("", before);
        await ExecuteAsync("update results.search_texts set words = '''damaged'''");

        await own.Host.Services.GetRequiredService<SearchIndexer>().RebuildAsync(Cancelled);
        await CompleteAsync();

        Assert.Equal(before, await TextsAsync(session.Id));
    }

    [Fact]
    public async Task A_session_that_cannot_be_indexed_is_set_aside_and_the_others_go_on()
    {
        var word = $"w{Guid.NewGuid():n}";
        var broken = TestData.Session().WithAnswer(Answers.Written(word));
        await own.Http.RecordAsync(broken);
        await CompleteAsync();
        var data = await AskAsync($"select data::text from {SessionResultTable.Name} where id = '{broken.Id}'");
        await ExecuteAsync($"update {SessionResultTable.Name} set data = '{{}}' where id = '{broken.Id}'");
        // As if it had changed.
        await ExecuteAsync("delete from results.search_progress");
        await own.Http.RecordAsync(TestData.Session().WithAnswer(Answers.Written(word)));
        await CompleteAsync();

        var setAside = Assert.Single(await SetAside.ListAsync(Database, SearchIndexer.WorkerName, Cancelled));
        Assert.Equal(broken.Id, setAside.Stream.Id);
        Assert.Equal(2, (await FindAsync(word)).Count);

        await ExecuteAsync($"update {SessionResultTable.Name} set data = '{data.Replace("'", "''", StringComparison.Ordinal)}' where id = '{broken.Id}'");
        await own.Host.Services.GetServices<SetAsideWorker>().Single(worker => worker.Name == SearchIndexer.WorkerName).RetryAsync(setAside.Stream, Cancelled);
        Assert.Empty(await SetAside.ListAsync(Database, SearchIndexer.WorkerName, Cancelled));
    }

    /// <summary>One account has much to index, and one that comes after it a single session: it waits for a page of the other, not for all.</summary>
    [Fact]
    public async Task Accounts_take_turns()
    {
        const int Many = 250;
        using var two = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        var word = $"w{Guid.NewGuid():n}";
        AdvisoryLock? held = null;
        await Wait.UntilAsync(async () => (held = await AdvisoryLock.TryHoldAsync(Database, FeedWorker.LockOf(SearchIndexer.WorkerName), Cancelled)) is not null);
        var many = Enumerable.Range(0, Many).Select(_ => TestData.Session().WithAnswer(Answers.Written(word))).ToList();
        using (var sent = await own.Http.SendAsync(new JsonArray([.. many.SelectMany(session => session.Events).Select(e => e.DeepClone())]).ToJsonString()))
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        await two.RecordAsync(TestData.Session(TestClients.WorkspaceOfTwo).WithAnswer(Answers.Written(word)));
        await held!.DisposeAsync();
        await Wait.UntilAsync(async () => await AskAsync($"select count(*)::text from results.search_texts where text = '{word}'") == $"{Many + 1}");

        // Transactions are numbered in their order.
        var before = int.Parse(
            await AskAsync(
                $"""
                select count(*)::text from results.search_texts t where t.text = '{word}' and t.tenant_id = '{TestClients.AccountOne}'
                  and t.xmin::text::bigint < (select o.xmin::text::bigint from results.search_texts o where o.text = '{word}' and o.tenant_id = '{TestClients.AccountTwo}')
                """),
            CultureInfo.InvariantCulture);
        Assert.InRange(before, 0, 100);
    }

    /// <summary>Words that few texts say, said long ago: the index finds them. Words that many say, but not of late: the walk goes on.</summary>
    [Theory]
    [InlineData(30)]
    [InlineData(5_500)]
    public async Task Each_hit_comes_once_however_many_texts_lie_before_it(int hits)
    {
        const int Newer = 1_300;
        var session = TestData.Session();
        await own.Http.RecordAsync(session);
        await CompleteAsync();
        var word = $"w{Guid.NewGuid():n}";
        var account = TestClients.AccountOne.ToString();
        var (scope, test) = (SearchScope.Of(account, TestClients.WorkspaceA, "simple"), SearchScope.OfTest(account, TestClients.WorkspaceA, session.TestId));
        await ExecuteAsync(
            $"""
            insert into results.search_languages values ('{account}', '{TestClients.WorkspaceA}', 'simple') on conflict do nothing;
            insert into results.search_texts (tenant_id, session_id, part, document_id, workspace_id, test_id, kind, language, at, start_ms, text, words)
            select '{account}', '{session.Id}', gen_random_uuid(), '{session.Id}', '{TestClients.WorkspaceA}', '{session.TestId}', 'Written', 'simple',
              timestamptz '2026-01-01Z' + n * interval '1 second', n, case when n <= {hits} then '{word} ' else 'other ' end || n,
              ('''{test}'' ''{scope}' || case when n <= {hits} then '{word}' else 'other' end || ''':1')::tsvector
            from generate_series(1, {hits + Newer}) n
            """);

        var (found, requests, cursor) = (new List<int>(), 0, "");
        for (; cursor is not null; requests++)
        {
            var page = await own.Http.JsonAsync($"/api/v3/answers?q={word}&testId={session.TestId}&limit=100{cursor}");
            found.AddRange(page["answers"]!.AsArray().Select(hit => (int)hit!["startMs"]!));
            cursor = (string?)page["meta"]!["nextCursor"] is { } next ? $"&cursor={next}" : null;
        }

        Assert.Equal(Enumerable.Range(1, hits).Reverse(), found);
        var planned = await PlanAsync();
        Assert.Contains("Bitmap Index Scan on ix_search_texts_words", planned, StringComparison.Ordinal);
        Assert.Contains("Index Scan Backward using ix_search_texts_place", planned, StringComparison.Ordinal);
        Assert.Contains("Index Scan using pkey_search_texts", planned, StringComparison.Ordinal);
        Assert.InRange(requests, 1, (hits / 100) + 2);

        // As the service asks: the plan that a connection keeps, whatever it is asked for.
        async Task<string> PlanAsync()
        {
            await ExecuteAsync("analyze results.search_texts");
            await using var connection = await Database.OpenConnectionAsync(Cancelled);
            await using var transaction = await connection.BeginTransactionAsync(Cancelled);
            await connection.ExecuteAsync("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan", [], Cancelled);
            await connection.ExecuteAsync(
                $"prepare search(text, uuid[], text, uuid, timestamptz, uuid, uuid, bigint, bigint, boolean, text) as {SearchQuery.Sql}", [], Cancelled);
            var plan = await new NpgsqlCommand(
                $"""
                explain execute search('{account}', array['{TestClients.WorkspaceA}']::uuid[], $w$'{scope}{word}' & '{test}'$w$, '{session.TestId}', now(), '{Guid.AllBitsSet}', '{Guid.AllBitsSet}', 26, 300, true, '{word}')
                """, connection).ReadAllAsync(reader => reader.GetString(0), Cancelled);
            await connection.ExecuteAsync("deallocate search", [], Cancelled);
            Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal));
            return string.Join('\n', plan);
        }
    }

    [Fact]
    public async Task What_retention_removes_is_found_no_longer()
    {
        var word = $"w{Guid.NewGuid():n}";
        var session = TestData.Session().WithAnswer(Answers.Written(word));
        await own.Http.RecordAsync(session);
        await CompleteAsync();
        Assert.Single(await FindAsync(word));

        Assert.True(await own.Host.Services.GetRequiredService<StreamRemoval>().RemoveAsync(
            SessionResultTable.Documents, new StreamKey(TestClients.AccountOne.ToString(), session.Id), DateTime.UtcNow.AddDays(1), Guid.NewGuid(), Cancelled));

        Assert.Empty(await FindAsync(word));
        Assert.Equal("0", await AskAsync($"select count(*)::text from results.search_texts where session_id = '{session.Id}'"));
    }

    [Fact]
    public async Task Searches_and_bytes_of_history_under_way_are_shared_and_nobody_else_waits()
    {
        var shares = own.Host.Services.GetRequiredService<ClientShares>();
        var client = new Caller(TestClients.AccountOne, [TestClients.WorkspaceA], TestClients.Reader, []);
        var session = TestData.Session();
        await own.Http.RecordAsync(session);
        var (history, search, now) = ($"/api/v3/sessionResults/{session.Id}?version=1", "/api/v3/answers?q=x", $"/api/v3/sessionResults/{session.Id}");
        Assert.Null(shares.Searches.Take(client, 1_000));
        Assert.Null(shares.History.Take(client, 64 * 1024 * 1024));

        await IsAsync(history, HttpStatusCode.TooManyRequests, "This client has as many bytes of history under way as it may. Ask again when some have ended.");
        await IsAsync(search, HttpStatusCode.TooManyRequests, "This client has as many searches under way as it may. Ask again when some have ended.");
        await IsAsync(now, HttpStatusCode.OK, null);
        shares.Searches.Return(client, 1_000);
        shares.History.Return(client, 64 * 1024 * 1024);
        await IsAsync(history, HttpStatusCode.OK, null);
        await IsAsync(search, HttpStatusCode.OK, null);
        await Wait.UntilAsync(() => shares.Searches.Held == 0 && shares.History.Held == 0);

        async Task IsAsync(string path, HttpStatusCode status, string? detail)
        {
            using var answer = await own.Http.ReadAsync(path);
            Assert.Equal((path, status), (path, answer.StatusCode));
            Assert.Equal(detail, (string?)(await answer.JsonAsync())["detail"]);
        }
    }

    private async Task<JsonArray> FindAsync(string word) => (await own.Http.JsonAsync($"/api/v3/answers?q={word}"))["answers"]!.AsArray();

    private Task<string> TextsAsync(Guid session) =>
        AskAsync($"select coalesce(string_agg(t::text, E'\\n' order by t.part), '') from results.search_texts t where t.session_id = '{session}'");

    private async Task CompleteAsync()
    {
        var now = await AskAsync("select clock_timestamp()::text");
        await Wait.UntilAsync(async () => (DateTimeOffset)(await own.Http.JsonAsync("/api/v3/answers?q=x"))["meta"]!["asOf"]! >= DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task<string> AskAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}
