
namespace ResultsEs.Benchmarks;

/// <summary>All rows of a service's tables, kept in their database: what is written while it is measured would make a small database a large one, so it is put back as it was.</summary>
internal static class Snapshot
{
    /// <summary>Keeps them.</summary>
    public static Task TakeAsync(string database, CancellationToken cancellation) => Postgres.ExecuteAsync(
        database,
        """
        do $$
        declare name text;
        begin
            create schema kept;
            for name in select tablename from pg_tables where schemaname = 'results' loop
                execute format('create table kept.%1$I as table results.%1$I', name);
            end loop;
        end $$
        """,
        cancellation);

    /// <summary>Puts them back, under a service that runs on them and is not asked anything meanwhile.</summary>
    public static async Task RestoreAsync(string database, CancellationToken cancellation)
    {
        await Postgres.ExecuteAsync(
            database,
            """
            do $$
            declare name text;
            begin
                -- Rows refer to rows of other tables, which are back a moment later.
                set local session_replication_role = replica;
                execute 'truncate ' || (select string_agg(format('results.%I', tablename), ', ') from pg_tables where schemaname = 'kept');
                for name in select tablename from pg_tables where schemaname = 'kept' loop
                    execute format('insert into results.%1$I select * from kept.%1$I', name);
                end loop;
            end $$
            """,
            cancellation);
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);
        // Otherwise whoever is measured next pays for it.
        await Postgres.ExecuteAsync(database, "checkpoint", cancellation);
    }
}
