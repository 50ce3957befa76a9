using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>A session whose document cannot be made fails alone: in an export, a rebuild and a verification.</summary>
public sealed class BrokenSessionTests(OwnHost own) : IClassFixture<OwnHost>
{
    private readonly HttpClient _http = own.Http;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task An_export_says_which_session_it_cannot_give_and_goes_on()
    {
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 5).Select(n => TestData.Session(test: test).WithAnswer(Answers.Nps(n)).Completed(SessionBuilder.Begin.AddMinutes(10 - n))).ToList();
        foreach (var session in sessions)
            await _http.RecordAsync(session);
        var broken = sessions[2];
        await LagAsync(broken);
        await PoisonAsync(broken);

        var text = await _http.GetStringAsync(new Uri(ExportTests.Path(test), UriKind.Relative), Cancelled);

        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject()).ToList();
        Assert.Equal(sessions.Select(session => session.Id), lines.Select(line => (Guid)line["sessionId"]!));
        Assert.Equal([false, false, true, false, false], lines.Select(line => line.ContainsKey("problem")));
        Assert.Equal(["sessionId", "problem"], lines[2].Select(member => member.Key));
        Assert.Equal(("The session's result cannot be given", 500), ((string)lines[2]["problem"]!["title"]!, (int)lines[2]["problem"]!["status"]!));
        Assert.StartsWith(
            $"What was recorded of the session is stored, but its result cannot be made: event {(string)broken.Events[1]["id"]!} (results.TaskAnswered.v1, position ",
            (string)lines[2]["problem"]!["detail"]!, StringComparison.Ordinal);
        using var alone = await _http.GetResultAsync(broken.Id);
        Assert.Equal(HttpStatusCode.InternalServerError, alone.StatusCode);
        Assert.Single((await _http.ResultAsync(sessions[3].Id))["tasks"]!.AsArray());
    }

    [Fact]
    public async Task A_session_that_breaks_while_documents_are_rebuilt_keeps_the_one_that_is_served()
    {
        var (broken, right) = (TestData.Session().WithAnswer(Answers.Nps(3)), TestData.Session().WithAnswer(Answers.Nps(4)));
        await _http.RecordAsync(broken);
        await _http.RecordAsync(right);
        // Both are folded, then one breaks and both go on, so that the catch-up folds them again.
        using var output = new OnLine("indexing", async () =>
        {
            await PoisonAsync(broken);
            await _http.RecordAsync(TestData.SessionOnly(broken.Id).WithAnswer(Answers.Nps(5)));
            await _http.RecordAsync(TestData.SessionOnly(right.Id).WithAnswer(Answers.Nps(6)));
        });
        await using (var held = await AdvisoryLock.TryHoldAsync(Database, Rebuild.LockName, Cancelled))
            await new Rebuild(
                Database, own.Host.Services.GetRequiredService<TestTotals>(), SessionResultTable.Documents, held!, parallel: 1,
                new ProgressReport(output, terminal: null), NullLogger.Instance)
                .RunAsync(Cancelled);

        var setAside = await Rebuild.SetAsideAsync(Database, SessionResultTable.Documents, Cancelled);
        Assert.Contains(setAside, item => item.Stream.Id == broken.Id && item.Reason.Contains("cannot be read", StringComparison.Ordinal));
        Assert.DoesNotContain(setAside, item => item.Stream.Id == right.Id);
        Assert.Equal(2, (await _http.ResultAsync(broken.Id))["tasks"]!.AsArray().Count);
        Assert.Equal(2, (await _http.ResultAsync(right.Id))["tasks"]!.AsArray().Count);
        await _http.RecordAsync(TestData.SessionOnly(broken.Id).WithAnswer(Answers.Nps(7)));
        Assert.Equal(3, (await _http.ResultAsync(broken.Id))["tasks"]!.AsArray().Count);
    }

    [Fact]
    public async Task Verify_tries_what_waits_for_its_place_in_a_document()
    {
        var (lagging, without) = (TestData.Session().WithAnswer(Answers.Nps(3)), TestData.Session().WithAnswer(Answers.Nps(4)));
        foreach (var session in new[] { lagging, without })
        {
            await _http.RecordAsync(session);
            await LagAsync(session);
            await PoisonAsync(session);
        }

        await ExecuteAsync($"delete from results.mt_doc_session_result_2 where id = '{without.Id}'");

        var deviations = await new Verification(Database, own.Host.Services.GetRequiredService<DocumentTables>()).DeviationsAsync(
            SessionResultTable.Documents, [.. new[] { lagging, without }.Select(session => new StreamKey(TestClients.AccountOne.ToString(), session.Id))], Cancelled);

        Assert.Equal([lagging.Id, without.Id], deviations.Select(deviation => deviation.Stream.Id).OrderBy(id => id == without.Id));
        Assert.All(deviations, deviation => Assert.Contains("cannot be read", deviation.Problem!, StringComparison.Ordinal));
    }

    /// <summary>Makes the document of a session with one answer one that has not taken in the answer yet.</summary>
    private Task LagAsync(SessionBuilder session) => ExecuteAsync(
        $$"""
        update results.mt_doc_session_result_2 d
        set mt_version = 1, lag = (select s.version - 1 from results.mt_streams s where s.id = d.id),
          data = jsonb_set(jsonb_set(data, '{body,tasks}', '[]'), '{fold,tasks}', '[]')
        where d.id = '{{session.Id}}'
        """);

    private Task PoisonAsync(SessionBuilder session) => ExecuteAsync(
        $"update results.mt_events set data = data || '{{\"position\": \"second\"}}' where id = '{(string)session.Events[1]["id"]!}'");

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    /// <summary>The output of a command that does something when a line is written.</summary>
    private sealed class OnLine(string line, Func<Task> act) : StringWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value)
        {
            if (value == line)
                Task.Run(act).GetAwaiter().GetResult();
        }
    }
}
