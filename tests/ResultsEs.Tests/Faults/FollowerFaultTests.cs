using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Changes;

namespace ResultsEs.Tests.Faults;

/// <summary>A reader keeps a copy by the feed of changes, meanwhile.</summary>
public sealed partial class FaultTests
{
    private const int ManyWriters = 32;

    /// <summary>
    /// Writers are held between their number and their commit, a node and the database die, a rebuild runs and a session moves: the copy is
    /// what an export shows, and each change came once.
    /// </summary>
    [Fact]
    public async Task Who_follows_changes_has_what_is_exported_and_had_no_change_twice()
    {
        var (here, there) = (TestData.Session(), Guid.NewGuid());
        var follower = new Follower(limit: 500);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        await ExecuteAsync(
            """
            create or replace function results.dawdle() returns trigger language plpgsql as $$
            begin if random() < 0.1 then perform pg_sleep(random() * 0.05); end if; return null; end $$;
            create trigger dawdle after insert or update on results.session_changes for each row execute function results.dawdle();
            """);
        var following = FollowAsync(follower, stop.Token);
        // So many writers leave room for the programs that start meanwhile.
        _ledger.Slow = TimeSpan.FromMilliseconds(400);
        await UnderLoadAsync(() => _ledger.SlowlyAsync(() => FaultsAsync(here, there)), felt: false, ManyWriters);
        await ExecuteAsync("drop trigger dawdle on results.session_changes");
        await stop.CancelAsync();
        await following;
        await follower.CatchUpAsync(nodes.Client(1));

        Assert.Superset(_ledger.Sessions.Append(here.Id).ToHashSet(), follower.Copy.Keys.Select(key => key.Session).ToHashSet());
        foreach (var test in follower.Copy.Values.Select(session => (Guid)session["testId"]!).Distinct())
            Assert.Equal(await Follower.ExportedAsync(nodes.Client(1), test), follower.Lines(test));
        follower.AssertNoneTwice();
        Assert.True(follower.Seen.Count > 20, $"{follower.Seen.Count} changes");
    }

    private async Task FaultsAsync(SessionBuilder moving, Guid there)
    {
        nodes.Service(0).Process.Kill();
        await nodes.Service(0).Process.WaitForExitAsync(Cancelled);
        await ProgressAsync();
        await nodes.StartAsync(0);

        await MoveAsync(moving);
        for (var n = 1; n <= 3; n++)
            await MoveAsync(TestData.SessionOnly(moving.Id, n % 2 == 1 ? there : moving.TestId)
                .Started(TestClients.WorkspaceA).But("time", $"\"2026-03-01T11:00:0{n}Z\""));
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(
            ["rebuild", "session-results"], ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", nodes.Database), (DataFolder.Variable, Path.GetTempPath()));
        Assert.True(exitCode == 0, output + errors);

        var pid = Postmaster.ReadPid(nodes.Data)!.Value;
        using (var postmaster = Process.GetProcessById(pid))
            postmaster.Kill();
        await Wait.UntilAsync(() => Postmaster.ReadPid(nodes.Data) is { } again && again != pid && Postmaster.Look(nodes.Data) == Postmaster.State.Running);
        await ProgressAsync();
    }

    private async Task MoveAsync(SessionBuilder session)
    {
        await Wait.UntilAsync(async () =>
        {
            using var answer = await nodes.Client(1).SendAsync(session);
            return answer.IsSuccessStatusCode;
        });
        // They are in no ledger.
        _before += session.Events.Count;
    }

    /// <summary>Follows by whichever node answers; a page counts when all of it is there.</summary>
    private async Task FollowAsync(Follower follower, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                using var answer = await nodes.Client(Random.Shared.Next(2)).GetAsync(new Uri(follower.Path(wait: 1), UriKind.Relative), patience.Token);
                if (answer.IsSuccessStatusCode)
                    follower.TakePage((await answer.Content.ReadFromJsonAsync<JsonObject>(patience.Token))!);
                else
                    Assert.True((int)answer.StatusCode >= 500, await answer.Content.ReadAsStringAsync(patience.Token));
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or ObjectDisposedException)
            {
                // The node is not there just now.
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(nodes.Database + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
