using System.Reflection;
using System.Text.Json.Nodes;
using CsCheck;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Ingestion;

/// <summary>An event of which there are two versions: <c>SessionAbandoned</c>.</summary>
public sealed class UpcasterTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("no activity for 60 seconds", AbandonCause.Inactivity)]
    [InlineData("Closed the browser", AbandonCause.Participant)]
    [InlineData("the battery", AbandonCause.Unknown)]
    [InlineData("", AbandonCause.Unknown)]
    [InlineData(null, AbandonCause.Unknown)]
    public void The_cause_is_what_the_words_tell(string? reason, AbandonCause expected)
    {
        var at = new DateTimeOffset(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);
        var upcast = Upcasters.Abandoned(new SessionAbandoned { Reason = reason, AbandonedAt = at });
        Assert.Equal(new SessionAbandonedV2 { Cause = expected, Note = reason, AbandonedAt = at }, upcast);
    }

    [Fact]
    public void An_earlier_event_folds_as_the_later_one_that_it_is_upcast_to() =>
        Gen.Select(Gen.String.Null(), Gen.DateTimeOffset, Gen.Guid, Gen.Guid).Sample((reason, at, id, session) =>
        {
            var earlier = new SessionAbandoned { Reason = reason, AbandonedAt = at };
            var stamp = new EventOrder(at, id);
            var (was, isNow) = (Fold(earlier), Fold(Upcasters.Abandoned(earlier)));
            return was.Body.AbandonCause is not null && was.Body.AbandonCause == isNow.Body.AbandonCause
                && was.Body.FinishTime == isNow.Body.FinishTime && was.Fold.Abandoned == isNow.Fold.Abandoned;

            SessionResult Fold(SessionEvent e) => SessionResultFold.Fold(session, null, [new RecordedEvent(stamp, e)]);
        });

    [Fact]
    public async Task Recorders_may_send_either_and_the_first_for_ever()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var http = await AppFixture.ClientAsync(host);
        var (earlier, later, ended) = (TestData.Session().Abandoned(), TestData.Session().AbandonedBecause("TECHNICAL"), TestData.Session().AbandonedBecause("TECHNICAL").Completed());
        foreach (var session in new[] { earlier, later, ended })
            await http.RecordAsync(session);

        Assert.Equal("PARTICIPANT", (string?)(await http.ResultAsync(earlier.Id))["abandonCause"]);
        Assert.Equal("TECHNICAL", (string?)(await http.ResultAsync(later.Id))["abandonCause"]);
        Assert.Equal("TECHNICAL", (string?)(await http.JsonAsync($"/api/v2/sessionResults/{later.Id}"))["abandonCause"]);
        Assert.False((await http.ResultAsync(ended.Id)).AsObject().ContainsKey("abandonCause"));

        // The same event again, in the words in which it was sent.
        Assert.Equal(earlier.Events.Count, (int)(await http.RecordAsync(earlier))["duplicates"]!);
    }

    [Fact]
    public async Task What_was_stored_before_there_was_a_second_version_shows_the_new_field_after_a_rebuild()
    {
        using var data = new TempFolder();
        var connectionString = await TestDatabase.CreateAsync();
        var rows = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Fixtures, "session-abandoned-v1.json"), Cancelled))!.AsObject();
        await using (var database = NpgsqlDataSource.Create(connectionString))
        {
            foreach (var table in new[] { "mt_streams", "mt_events", "mt_doc_session_result_2" })
            {
                await using var insert = database.CreateCommand($"insert into results.{table} select * from jsonb_populate_recordset(null::results.{table}, $1)");
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = rows[table.Replace("_result_2", "_result", StringComparison.Ordinal)]!.ToJsonString(), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb });
                await insert.ExecuteNonQueryAsync(Cancelled);
            }
        }

        (string, string)[] environment = [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", connectionString), (DataFolder.Variable, data.Path)];
        Assert.DoesNotContain("abandonCause", rows["mt_doc_session_result"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(1, (await ServiceProcess.RunAsync(["verify", "all"], environment)).ExitCode);
        Assert.Equal(0, (await ServiceProcess.RunAsync(["rebuild", "session-results"], environment)).ExitCode);
        Assert.Equal(0, (await ServiceProcess.RunAsync(["verify", "all"], environment)).ExitCode);

        await using var host = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, connectionString)]);
        using var http = await AppFixture.ClientAsync(host);
        var session = (Guid)rows["mt_streams"]![0]!["id"]!;
        Assert.Equal("INACTIVITY", (string?)(await http.ResultAsync(session))["abandonCause"]);

        // The records' assembly had another name then; Marten goes by the event's own.
        var stored = rows["mt_events"]!.AsArray();
        Assert.All(stored, row => Assert.EndsWith(", ResultsEs", (string?)row!["mt_dotnet_type"], StringComparison.Ordinal));
        await using var marten = host.Services.GetRequiredService<IDocumentStore>().QuerySession((string)rows["mt_streams"]![0]!["tenant_id"]!);
        Assert.Equal(
            stored.Select(row => EventTypes.Find((string)row!["type"]!)),
            (await marten.Events.FetchStreamAsync(session, token: Cancelled)).Select(e => e.EventType));
    }

    private static string Fixtures => Path.Combine(
        typeof(UpcasterTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Snapshots").Value!, "../Ingestion/Fixtures");
}
