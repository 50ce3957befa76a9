using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
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
        Assert.InRange(requests, 1, (hits / 100) + 2);
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

    private async Task<JsonArray> FindAsync(string word) => (await own.Http.JsonAsync($"/api/v3/answers?q={word}"))["answers"]!.AsArray();

    private Task<string> TextsAsync(Guid session) =>
        AskAsync($"select coalesce(string_agg(t::text, E'\\n' order by t.part), '') from results.search_texts t where t.session_id = '{session}'");

    private async Task CompleteAsync()
    {
        var now = await AskAsync("select clock_timestamp()::text");
        await Wait.UntilAsync(async () => (DateTimeOffset)(await own.Http.JsonAsync("/api/v3/answers?q=x"))["meta"]!["asOf"]! >= DateTimeOffset.Parse(now, null));
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
