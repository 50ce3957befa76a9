using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Faults;

namespace ResultsEs.Tests.Hosting;

/// <summary><c>docs/operations/backup-drill.sh</c>, while clients write.</summary>
public sealed class BackupDrillTests : IDisposable
{
    private readonly TempFolder _data = new();
    private readonly string _home = ThrowAway.NewHome();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _data.Dispose();
        ThrowAway.Remove(_home);
    }

    [Fact]
    public async Task A_backup_taken_under_load_holds_all_that_was_acknowledged_before_and_nothing_that_was_not_sent()
    {
        var binaries = PostgresBinaries.Find();
        Assert.SkipWhen(binaries is null || OperatingSystem.IsWindows(), "A PostgreSQL of this machine is backed up, and there is none.");
        await using var cluster = await PostgresCluster.StartAsync(new ClusterOptions(_home, binaries!), NullLogger.Instance, Cancelled);
        await cluster.CreateDatabaseAsync("drill", Cancelled);
        var database = cluster.ConnectionString("drill");
        await ServiceProcess.ApplyAsync(("ConnectionStrings__results", database));
        await using var host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]);
        using var http = await AppFixture.ClientAsync(host);
        var ledger = new Ledger(TimeSpan.FromMilliseconds(20));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var writing = ledger.WriteAsync(writers: 3, () => http, stop.Token);
        await Wait.UntilAsync(() => ledger.Count > 300);

        var before = ledger.Acknowledged;
        var ids = Path.Combine(_data.Path, "ids");
        var (exitCode, output) = await DrillAsync(new NpgsqlConnectionStringBuilder(database), ids);
        await stop.CancelAsync();
        await writing;

        Assert.True(exitCode == 0, output);
        Assert.Contains($"{ledger.Sessions.Count} verified, 0 differ", output, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"Healthy\"", output, StringComparison.Ordinal);
        var restored = (await File.ReadAllLinesAsync(ids, Cancelled)).Select(Guid.Parse).ToList();
        Assert.Empty(before.Except(restored));
        Assert.Empty(restored.Except(ledger.Acknowledged));
        Assert.Equal(restored.Distinct().Count(), restored.Count);
        Assert.Equal(0, ledger.Failures);
    }

    private async Task<(int ExitCode, string Output)> DrillAsync(NpgsqlConnectionStringBuilder source, string ids)
    {
        var script = Path.Combine(ServiceProcess.Repository, "docs/operations/backup-drill.sh");
        var start = new ProcessStartInfo("bash", [script, $"host={source.Host} port={source.Port} user={source.Username} dbname={source.Database}", ServiceProcess.Service, ids])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in ServiceProcess.ToEnvironment(TestClients.Settings()).Append((DataFolder.Variable, _data.Path)).Append(("Access__Issuer", "http://results.example/")))
            start.Environment[name] = value;
        using var drill = Process.Start(start)!;
        var errors = drill.StandardError.ReadToEndAsync(Cancelled);
        var output = await drill.StandardOutput.ReadToEndAsync(Cancelled);
        await drill.WaitForExitAsync(Cancelled);
        return (drill.ExitCode, output + await errors);
    }
}
