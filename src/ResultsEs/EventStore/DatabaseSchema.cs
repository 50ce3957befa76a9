using JasperFx;
using Npgsql;
using ResultsEs.Common;
using Weasel.Core;
using Weasel.Core.Migrations;

namespace ResultsEs.EventStore;

/// <summary>
/// Whether the database has the tables that this version needs. Production never makes or alters any by itself: an operator does, by <c>db-apply</c>, when nodes of
/// the version before still serve. Everywhere else they are made.
/// </summary>
internal static class DatabaseSchema
{
    /// <summary>Makes sure of the tables.</summary>
    /// <exception cref="StartupException">The database cannot be used; or Production, and something is not as it must be: the message names it and the command.</exception>
    public static async Task PrepareTablesAsync(IServiceProvider services, CancellationToken cancellation)
    {
        try
        {
            var databases = services.GetServices<IDatabase>().ToList();
            foreach (var source in services.GetServices<IDatabaseSource>())
                databases.AddRange(await source.BuildDatabases());
            if (services.GetRequiredService<IHostEnvironment>().IsProduction())
                await CheckAsync(databases, cancellation);
            else
                await ApplyAsync(services.GetRequiredService<NpgsqlDataSource>(), databases, cancellation);
        }
        catch (NpgsqlException e)
        {
            throw new StartupException($"The database cannot be used: {e.Message}", e);
        }
    }

    private static async Task CheckAsync(IReadOnlyList<IDatabase> databases, CancellationToken cancellation)
    {
        var different = new List<string>();
        foreach (var database in databases)
        {
            var migration = await database.CreateMigrationAsync(cancellation);
            different.AddRange(migration.Deltas.Where(delta => delta.Difference != SchemaPatchDifference.None).Select(delta => delta.SchemaObject.Identifier.QualifiedName));
        }

        if (different.Count > 0)
            throw new StartupException($"The database is not as this version needs it: {string.Join(", ", different.Distinct(StringComparer.Ordinal))}. Run: dotnet ResultsEs.dll db-apply");
    }

    /// <summary>Waits for whoever else makes tables: those that begin at once would make the same. Dispose the answer when they are made.</summary>
    /// <exception cref="StartupException">The database cannot be used.</exception>
    public static async Task<IAsyncDisposable> WaitForOtherMigrationsAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await database.OpenConnectionAsync(cancellation);
            // Ends with the connection, and so with what is not committed. It is silent for as long as the tables take.
            await connection.BeginTransactionAsync(cancellation);
            await using var alone = new NpgsqlCommand("set local idle_in_transaction_session_timeout = 0", connection);
            await alone.ExecuteNonQueryAsync(cancellation);
            await AdvisoryLock.WaitInTransactionAsync(connection, "results.schema", cancellation);
            return connection;
        }
        catch (Exception e)
        {
            await (connection?.DisposeAsync() ?? ValueTask.CompletedTask);
            if (e is NpgsqlException)
                throw new StartupException($"The database cannot be used: {e.Message}", e);
            throw;
        }
    }

    private static async Task ApplyAsync(NpgsqlDataSource database, IReadOnlyList<IDatabase> schemas, CancellationToken cancellation)
    {
        await using var alone = await WaitForOtherMigrationsAsync(database, cancellation);
        foreach (var schema in schemas)
            await schema.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate, ct: cancellation);
    }
}
