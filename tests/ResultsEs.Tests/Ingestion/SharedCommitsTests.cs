using System.Net;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Ingestion;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Requests that come while a commit is under way share the next one; here a lock on the table of events keeps it under way.</summary>
public sealed class SharedCommitsTests : IAsyncLifetime
{
    private const string CountSessionsOfRequests = "select count(*) from results.mt_events where type = 'results.SessionStarted.v1'";

    private const string CountBlocked = "select count(*) from pg_locks where not granted and relation = 'results.mt_events'::regclass";

    private readonly TempFolder _data = new();
    private IAlbaHost _host = null!;
    private HttpClient _http = null!;
    private NpgsqlDataSource _database = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var connectionString = await TestDatabase.CreateAsync();
        _database = NpgsqlDataSource.Create(connectionString);
        _host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, connectionString)]);
        _http = DescribedAnswers.Of(_host);
        _http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(_http, TestClients.Reader));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        await _database.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task Many_requests_share_few_commits()
    {
        var answers = await WhileCommitsWaitAsync(() => Enumerable.Range(0, 60).Select(_ => _http.SendAsync(TestData.Session())));

        Assert.Equal([HttpStatusCode.OK], answers.Select(answer => answer.StatusCode).Distinct());
        Assert.Equal(60L, await ScalarAsync(CountSessionsOfRequests));
        // The two commits that were waiting for the lock, and those that took up all the rest.
        Assert.InRange((long)(await ScalarAsync("select count(distinct xmin::text) from results.mt_events"))!, 1, 6);
    }

    [Fact]
    public async Task A_request_that_cannot_be_stored_fails_alone()
    {
        var poisoned = TestData.Session();
        await ExecuteAsync(
            $"""
            create function results.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
            create trigger refuse before insert on results.mt_events for each row
              when (new.id = '{(string?)poisoned.Events[0]["id"]}') execute function results.refuse();
            """);
        SessionBuilder[] sessions = [.. Enumerable.Range(0, 40).Select(i => i == 20 ? poisoned : TestData.Session())];

        var answers = await WhileCommitsWaitAsync(() => sessions.Select(session => _http.SendAsync(session)));

        Assert.Equal(
            sessions.Select(session => session == poisoned ? HttpStatusCode.InternalServerError : HttpStatusCode.OK),
            answers.Select(answer => answer.StatusCode));
        Assert.Equal(39L, await ScalarAsync(CountSessionsOfRequests));
    }

    [Fact]
    public async Task A_request_that_is_refused_leaves_those_of_its_commit_alone()
    {
        var known = TestData.Session();
        await _http.RecordAsync(known);
        var contradicting = TestData.Session();
        contradicting.Events[0]["id"] = known.Events[0]["id"]!.DeepClone();
        SessionBuilder[] sessions = [.. Enumerable.Range(0, 20).Select(i => i == 10 ? contradicting : TestData.Session())];

        var answers = await WhileCommitsWaitAsync(() => sessions.Select(session => _http.SendAsync(session)));

        Assert.Equal(
            sessions.Select(session => session == contradicting ? HttpStatusCode.Conflict : HttpStatusCode.OK),
            answers.Select(answer => answer.StatusCode));
    }

    [Fact]
    public async Task Requests_for_one_session_that_share_a_commit_are_judged_in_their_order()
    {
        var session = TestData.Session();
        var changed = (JsonObject)session.Events[0].DeepClone();
        changed["data"]!["productType"] = "THINK_OUT_LOUD";

        var answers = await WhileCommitsWaitAsync(() => new[] { session.Json(), session.Json(), $"[{changed.ToJsonString()}]" }.Select(json => _http.SendAsync(json)), inOrder: true);

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Conflict], answers.Select(answer => answer.StatusCode));
        Assert.Equal(1, (int)(await answers[1].JsonAsync())["duplicates"]!);
    }

    [Fact]
    public async Task Beyond_what_may_wait_requests_are_told_to_come_back_and_the_others_are_stored()
    {
        const int PerRequest = 1_000;
        const int Requests = (CommitQueue.MaxEventsPerAccount / PerRequest) + 8;
        // Answers without a start are small documents, and each request writes a session of its own.
        string[] batches = [.. Enumerable.Range(0, Requests).Select(_ =>
        {
            var session = TestData.SessionOnly();
            for (var i = 0; i < PerRequest; i++)
                session.WithInteraction(session.Id, i, "MOUSE_PRESS_OR_RELEASE");
            return session.Json();
        })];

        var answers = await WhileCommitsWaitAsync(() => batches.Select(json => _http.SendAsync(json)), until: tasks => tasks.Any(task => task.IsCompleted));

        var refused = answers.Where(answer => answer.StatusCode != HttpStatusCode.OK).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter?.Delta);
        });
        Assert.Equal((long)PerRequest * (Requests - refused.Count), await ScalarAsync("select count(*) from results.mt_events where type = 'results.FigmaInteractionRecorded.v1'"));
    }

    /// <summary>Sends requests while no event can be inserted, until all are on their way, and gives back their answers.</summary>
    private async Task<HttpResponseMessage[]> WhileCommitsWaitAsync(
        Func<IEnumerable<Task<HttpResponseMessage>>> send, bool inOrder = false, Func<Task<HttpResponseMessage>[], bool>? until = null)
    {
        await using var connection = await _database.OpenConnectionAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        await using (var command = new NpgsqlCommand("lock table results.mt_events in share mode", connection, transaction))
            await command.ExecuteNonQueryAsync(Cancelled);

        // One after the other occupies a committer, so that the rest waits.
        var first = new List<Task<HttpResponseMessage>>();
        for (var committer = 1L; committer <= CommitQueue.MaxCommitsPerAccount; committer++)
        {
            first.Add(_http.SendAsync(TestData.SessionOnly().Completed()));
            await Wait.UntilAsync(async () => (long)(await ScalarAsync(CountBlocked))! == committer);
        }

        var tasks = new List<Task<HttpResponseMessage>>();
        var writer = _host.Services.GetRequiredService<GroupCommit>();
        foreach (var task in send())
        {
            tasks.Add(task);
            if (inOrder)
                await Wait.UntilAsync(() => writer.WaitingRequests == tasks.Count);
        }

        Task<HttpResponseMessage>[] sent = [.. tasks];
        await Wait.UntilAsync(() => until?.Invoke(sent) ?? writer.WaitingRequests == sent.Length);

        await transaction.RollbackAsync(Cancelled);
        await Task.WhenAll(first);
        return await Task.WhenAll(sent);
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancelled);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
