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
        // A part of the log that is used again keeps what it had until it is written over.
        await ExecuteAsync("alter system set wal_recycle = off");
        await ExecuteAsync("select pg_reload_conf()");
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var marker = Markers.New();
        var session = TestData.SessionWithEverything().Plant(marker);
        await http.RecordAsync(session);
        await ExecuteAsync("checkpoint");
        Assert.NotEmpty(Holding(tables, marker));

        using var erased = await http.DeleteAsync(new Uri($"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        await Wait.UntilAsync(async () =>
            await Database.CreateCommand($"select count(*) from results.test_sessions s where s::text like '%{marker}%'").ReadValueAsync<long>([], Cancelled) == 0);
        // A transaction that began before keeps the old rows until it ends.
        List<string> holding = [];
        try
        {
            await Wait.UntilAsync(async () =>
            {
                // Files are listed behind the answer, and nothing deletes them here.
                await own.Host.Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled);
                await ExecuteAsync("vacuum (full, analyze)");
                await ExecuteAsync("vacuum full pg_statistic");
                await ExecuteAsync("checkpoint");
                return (holding = Holding(tables, marker)).Count == 0;
            });
        }
        catch (OperationCanceledException) when (!Cancelled.IsCancellationRequested)
        {
            Assert.Fail($"It is still in {string.Join(", ", holding.Select(Path.GetFileName))}: {await KeptByAsync()}");
        }

        await Wait.UntilAsync(async () =>
        {
            await ExecuteAsync("select pg_switch_wal()");
            await ExecuteAsync("checkpoint");
            return Holding(log, marker).Count == 0;
        });
    }

    /// <summary>The tables by their files, and who may still see old rows.</summary>
    private Task<string> KeptByAsync() => Database.CreateCommand(
        """
        select concat_ws('; ',
          (select string_agg(c.relfilenode || ' is ' || c.relname, ', ') from pg_class c where c.relkind in ('r', 't') and c.relfilenode > 0),
          (select string_agg(concat_ws(' ', a.datname, a.backend_type, a.state, a.backend_xid, a.backend_xmin, now() - a.xact_start, left(a.query, 100)), ', ')
            from pg_stat_activity a where a.backend_xmin is not null or a.backend_xid is not null),
          (select string_agg(concat_ws(' ', r.slot_name, r.xmin), ', ') from pg_replication_slots r),
          (select string_agg(p.gid, ', ') from pg_prepared_xacts p))
        """).ReadValueAsync<string>([], Cancelled);

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
