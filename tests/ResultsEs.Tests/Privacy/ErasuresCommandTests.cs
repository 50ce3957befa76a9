using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Privacy;

/// <summary><c>-- erasures …</c></summary>
public sealed class ErasuresCommandTests : IDisposable
{
    private const int Sessions = 5;

    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task An_erasure_that_was_killed_goes_on_and_is_done_again_in_a_restored_backup()
    {
        var database = await TestDatabase.CreateAsync();
        var (participant, marker) = (Guid.NewGuid(), Markers.New());
        await using (var host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, database)]))
        {
            using var http = await AppFixture.ClientAsync(host);
            for (var i = 0; i < Sessions; i++)
                await http.RecordAsync(TestData.Session().Profiled().But("data.participantId", $"\"{participant}\"").WithAnswer(Answers.Written(marker)));
        }

        NpgsqlConnection.ClearAllPools();
        var backup = await TestDatabase.CopyAsync(database);
        string[] erase = ["erasures", "participant", participant.ToString(), "--account", TestClients.AccountOne.ToString(), "--reason", "by letter"];
        await using (var source = NpgsqlDataSource.Create(database))
        {
            // The last session is held by a writer, so the command cannot end.
            await using var writer = await source.OpenConnectionAsync(Cancelled);
            await using var transaction = await writer.BeginTransactionAsync(Cancelled);
            await writer.ExecuteAsync("select 1 from results.mt_streams s where s.id = (select max(id::text)::uuid from results.mt_streams) for update", [], Cancelled);
            using var killed = ServiceProcess.Start(erase, Environment(database));
            killed.Ignore();
            await Wait.UntilAsync(async () => await CountAsync(source, "select count(*) from results.erasure_sessions where done_at is not null") == Sessions - 1);
            killed.Process.Kill();
            await killed.Process.WaitForExitAsync(Cancelled);
        }

        Assert.Equal(1, await FoundAsync(database, marker));
        var run = await ServiceProcess.RunAsync(["erasures", "run"], Environment(database));
        Assert.Equal((0, 0L), (run.ExitCode, await FoundAsync(database, marker)));
        Assert.Contains($"  by operator  done  {Sessions} of {Sessions} sessions, {3 * Sessions} events, 0 files left", run.Output, StringComparison.Ordinal);

        var list = await ServiceProcess.RunAsync(["erasures", "list", "--json"], Environment(database));
        Assert.DoesNotContain(participant.ToString(), list.Output, StringComparison.Ordinal);
        var file = Path.Combine(_data.Path, "erasures.jsonl");
        await File.WriteAllTextAsync(file, list.Output, Cancelled);
        Assert.Equal(Sessions, await FoundAsync(backup, marker));
        var reapply = await ServiceProcess.RunAsync(["erasures", "reapply", file], Environment(backup));
        Assert.True(reapply.ExitCode == 0, reapply.Errors);
        Assert.Equal(0, await FoundAsync(backup, marker) + await FoundAsync(backup, participant.ToString()));
    }

    private static async Task<long> FoundAsync(string database, string text)
    {
        await using var source = NpgsqlDataSource.Create(database);
        // Each is in an event and in a document.
        return (await CountAsync(source, $"select count(*) from results.mt_doc_session_result_2 d where d::text like '%{text}%'")
            + await CountAsync(source, $"select count(*) from results.mt_events e where e::text like '%{text}%'")) / 2;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource source, string sql) => await source.CreateCommand(sql).ReadValueAsync<long>([], Cancelled);

    private (string Name, string Value)[] Environment(string database) =>
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, _data.Path)];
}
