using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Privacy;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Privacy;

/// <summary>What is left of an erased participant in the files of the database.</summary>
public sealed class ErasedFilesTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task Neither_the_tables_nor_the_log_have_it_after_what_operators_do()
    {
        var folder = await Database.CreateCommand("select current_setting('data_directory')").ReadValueAsync<string>([], Cancelled);
        Assert.SkipUnless(Directory.Exists(folder), "The files of the database are not on this machine.");
        var oid = await Database.CreateCommand("select d.oid::text from pg_database d where d.datname = current_database()").ReadValueAsync<string>([], Cancelled);
        var (tables, log) = (Path.Combine(folder, "base", oid), Path.Combine(folder, "pg_wal"));
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var marker = Markers.New();
        var session = TestData.SessionWithEverything().Plant(marker);
        await http.RecordAsync(session);
        await ExecuteAsync("checkpoint");
        Assert.NotEmpty(Holding(tables, marker));

        using var erased = await http.DeleteAsync(new Uri($"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        await own.Host.Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled);
        await Wait.UntilAsync(async () =>
            await Database.CreateCommand($"select count(*) from results.test_sessions s where s::text like '%{marker}%'").ReadValueAsync<long>([], Cancelled) == 0);
        // A transaction that began before keeps the old rows until it ends.
        await Wait.UntilAsync(async () =>
        {
            await ExecuteAsync("vacuum (full, analyze)");
            await ExecuteAsync("vacuum full pg_statistic");
            await ExecuteAsync("checkpoint");
            return Holding(tables, marker).Count == 0;
        });
        await ExecuteAsync("alter system set wal_recycle = off");
        await ExecuteAsync("select pg_reload_conf()");
        await Wait.UntilAsync(async () =>
        {
            await ExecuteAsync("select pg_switch_wal()");
            await ExecuteAsync("checkpoint");
            return Holding(log, marker).Count == 0;
        });
    }

    private static List<string> Holding(string folder, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var found = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            try
            {
                if (File.ReadAllBytes(file).AsSpan().IndexOf(bytes) >= 0)
                    found.Add(file);
            }
            catch (FileNotFoundException)
            {
                // The server removed it meanwhile.
            }
        }

        return found;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
