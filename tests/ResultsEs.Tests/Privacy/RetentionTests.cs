using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Exports;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Media;
using ResultsEs.Privacy;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using Wolverine.Persistence.Durability;

namespace ResultsEs.Tests.Privacy;

/// <summary>What becomes of sessions and dead letters that are older than their account keeps them.</summary>
public sealed class RetentionTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IServiceProvider Services => own.Host.Services;

    private NpgsqlDataSource Database => Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task Old_sessions_are_erased_by_test_up_to_the_limit_of_an_hour_and_a_plan_does_nothing()
    {
        var (old, kept) = (Guid.NewGuid(), Guid.NewGuid());
        var sessions = Enumerable.Range(0, 2).Select(_ => TestData.Session(test: old).WithAnswer(Answers.Written("dear me"))).ToList();
        var other = TestData.Session(test: kept).WithAnswer(Answers.Written("dear me"));
        foreach (var session in sessions.Append(other))
            await own.Http.RecordAsync(session);
        var rules = new[] { Rule(old, 365, RetentionAction.Erase), Rule(kept, 500, RetentionAction.Erase) };

        var plan = await After(400, rules).RunAsync(isDry: true, Cancelled);
        Assert.Equal([Line(old, 2, "erase"), Line(kept, 0, "erase")], plan);
        Assert.Equal([0L, 0, 0], await ErasedAsync([.. sessions, other]));

        var done = await DoneAsync();
        await After(400, rules, perHour: done + 1).RunAsync(isDry: false, Cancelled);
        Assert.Single(await ErasedAsync(sessions), events => events > 0);
        await After(400, rules, perHour: done + 5).RunAsync(isDry: false, Cancelled);

        Assert.Equal([2L, 2, 0], await ErasedAsync([.. sessions, other]));
        Assert.Equal([Line(old, 0, "erase"), Line(kept, 0, "erase")], await After(400, rules).RunAsync(isDry: true, Cancelled));
    }

    [Fact]
    public async Task Old_sessions_are_deleted_with_a_tombstone_and_do_not_count_any_more()
    {
        var test = Guid.NewGuid();
        var (old, young) = (TestData.Interaction(test: test).Scored().Completed(), TestData.Interaction(test: test).Scored().Completed());
        await own.Http.RecordAsync(old);
        await own.Http.RecordAsync(young);
        await Wait.UntilAsync(async () => (int)(await own.Http.JsonAsync($"/api/v2/testResults/{test}/qxScores"))["meta"]!["completes"]! == 2);
        await Database.CreateCommand($"update results.mt_streams set timestamp = now() - interval '400 days' where id = '{old.Id}' returning 1").ReadValueAsync<int>([], Cancelled);

        await After(0, [Rule(test, 365, RetentionAction.Delete)]).RunAsync(isDry: false, Cancelled);

        using var gone = await own.Http.GetResultAsync(old.Id);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Empty(await own.Host.StoredAsync(old.Id));
        Assert.Equal("COMPLETE", (string?)(await own.Http.ResultAsync(young.Id))["status"]);
        await Wait.UntilAsync(async () => (int)(await own.Http.JsonAsync($"/api/v2/testResults/{test}/qxScores"))["meta"]!["completes"]! == 1);
        Assert.Equal(test, await Database.CreateCommand($"select test_id from results.tombstones where session_id = '{old.Id}'").ReadValueAsync<Guid>([], Cancelled));
        // What a recorder sends of it after all is not stored as it came.
        await own.Http.RecordAsync(TestData.SessionOnly(old.Id).WithAnswer(Answers.Written("dear me")));
        Assert.Equal([1L], await ErasedAsync([old]));
        var verification = new Verification(Database, Services.GetRequiredService<DocumentTables>());
        Assert.Empty(await verification.DeviationsAsync(
            SessionResultTable.Documents, [new(TestClients.AccountOne.ToString(), old.Id), new(TestClients.AccountOne.ToString(), young.Id)], Cancelled));
    }

    [Fact]
    public async Task The_files_of_a_deleted_session_are_listed_in_each_workspace_that_it_was_in()
    {
        var (test, name) = (Guid.NewGuid(), $"{Guid.NewGuid()}.mp4");
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.BothWorkspaces);
        var session = TestData.Session(test: test).WithVideo($"videos/{name}");
        await both.RecordAsync(session);
        await both.RecordAsync(TestData.SessionOnly(session.Id, test).Started(TestClients.WorkspaceB).But("time", $"\"{SessionBuilder.Begin.AddHours(1):O}\""));
        // It has moved. This is named by somebody of B alone.
        using var ofB = await AppFixture.ClientAsync(own.Host, TestClients.OtherWorkspace);
        await ofB.RecordAsync(TestData.SessionOnly(session.Id, test).WithVideo($"more/{name}"));

        // The store of the settings is not there.
        using var store = new ObjectStore(Options.Create(new ObjectStoreOptions()), TimeProvider.System);
        await After(400, [Rule(test, 365, RetentionAction.Delete)], files: store).RunAsync(isDry: false, Cancelled);

        Assert.Empty(await own.Host.StoredAsync(session.Id));
        Assert.Equal(
            [$"{TestClients.WorkspaceB}/more/{name}", $"{TestClients.WorkspaceA}/videos/{name}", $"{TestClients.WorkspaceB}/videos/{name}"],
            (await Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled))
                .Where(file => file.EndsWith(name, StringComparison.Ordinal)).Select(file => file[(file.IndexOf('/', StringComparison.Ordinal) + 1)..]));
    }

    [Fact]
    public async Task The_rule_of_an_account_is_of_sessions_that_never_started_and_of_its_dead_letters()
    {
        var orphan = TestData.SessionOnly().WithAnswer(Answers.Written("dear me"));
        using var two = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        await two.RecordAsync(orphan);
        foreach (var account in new[] { TestClients.AccountOne, TestClients.AccountTwo })
            await Services.GetRequiredService<IMessageStore>().Inbox.MoveToDeadLetterStorageAsync(
                new SessionEventsDelivery(account, [], "", new Uri("rabbitmq-x://queue/x"), "text/plain", new Dictionary<string, string?>(StringComparer.Ordinal), "dear me"u8.ToArray()).ToEnvelope(),
                new RefusedDeliveryException("invalid: not JSON"));
        var rule = new RetentionRule { Account = TestClients.AccountTwo, SessionDays = 365, Action = RetentionAction.Delete, DeadLetterDays = 30 };

        Assert.Equal(
            [$"account {TestClients.AccountTwo}: 1 sessions to delete, 1 dead letters to discard"],
            await After(400, [rule]).RunAsync(isDry: false, Cancelled));

        Assert.Empty(await own.Host.StoredAsync(orphan.Id));
        var letters = await Services.GetRequiredService<IMessageStore>().DeadLetters.QueryAsync(new() { PageSize = 100 }, Cancelled);
        Assert.Equal([TestClients.AccountOne.ToString()], letters.Envelopes.Select(letter => letter.Envelope.TenantId));
    }

    [Fact]
    public void What_is_wrong_with_the_settings_is_named()
    {
        var rules = new RetentionOptions
        {
            SessionsPerHour = 0,
            Rules = [new() { SessionDays = 0 }, Rule(Guid.Empty, 1, RetentionAction.Erase), new() { Account = TestClients.AccountOne, Test = Guid.NewGuid(), DeadLetterDays = 1 }, new() { Account = TestClients.AccountOne }],
        };

        Assert.Equal(
            [
                "Retention:SessionsPerHour must be from 1 to 1000000.",
                "Retention:Rules:0:Account is missing.",
                "Retention:Rules:0: SessionDays and DeadLetterDays must be from 1 to 36500.",
                "Retention:Rules:2:DeadLetterDays is an account's, because a refused message has no test.",
                "Retention:Rules:3: SessionDays or DeadLetterDays is needed.",
            ],
            RetentionOptions.Problems(rules));
    }

    private static RetentionRule Rule(Guid test, int days, RetentionAction action) =>
        new() { Account = TestClients.AccountOne, Test = test, SessionDays = days, Action = action };

    private static string Line(Guid test, int sessions, string action) =>
        $"account {TestClients.AccountOne}, test {test}: {sessions} sessions to {action}, 0 dead letters to discard";

    /// <summary>Retention so many days from now.</summary>
    private Retention After(int days, IReadOnlyList<RetentionRule> rules, int perHour = 1_000, ObjectStore? files = null) => new(
        Database,
        Options.Create(new RetentionOptions { Rules = [.. rules], SessionsPerHour = perHour }),
        Services.GetRequiredService<Erasures>(),
        Services.GetRequiredService<ErasureWork>(),
        Services.GetRequiredService<StreamRemoval>(),
        files ?? Services.GetRequiredService<ObjectStore>(),
        Services.GetRequiredService<ExportQueue>(),
        Services.GetRequiredService<IMessageStore>(),
        new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(days)));

    private async Task<int> DoneAsync() => (int)await Database.CreateCommand(
        "select (select count(*) from results.erasures where requested_by = 'retention') + (select count(*) from results.tombstones)").ReadValueAsync<long>([], Cancelled);

    /// <summary>How many events of each session are masked.</summary>
    private async Task<List<long>> ErasedAsync(IEnumerable<SessionBuilder> sessions)
    {
        var counts = new List<long>();
        foreach (var session in sessions)
            counts.Add((await own.Host.StoredAsync(session.Id)).Count(row => row.Headers["erased"] is not null));
        return counts;
    }
}
