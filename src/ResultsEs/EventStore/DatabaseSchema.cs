using JasperFx;
using Weasel.Core;
using Weasel.Core.Migrations;

namespace ResultsEs.EventStore;

/// <summary>
/// The check that the database has the tables this version needs. Production never makes or alters a table: an operator runs
/// <c>db-apply</c>, while nodes of the version before still serve. Everywhere else the service makes them.
/// </summary>
internal static class DatabaseSchema
{
    /// <summary>Checks the tables in Production, and makes them elsewhere.</summary>
    /// <exception cref="StartupException">The database cannot be used, or differs in Production. The message says what to run.</exception>
    public static async Task PrepareTablesAsync(IServiceProvider services, CancellationToken cancellation)
    {
        try
        {
            var databases = services.GetServices<IDatabase>().ToList();
            foreach (var source in services.GetServices<IDatabaseSource>())
                databases.AddRange(await source.BuildDatabases());
            if (services.GetRequiredService<IHostEnvironment>().IsProduction())
            {
                await CheckAsync(databases, cancellation);
                return;
            }

            await using var alone = await WaitForOtherMigrationsAsync(services.GetRequiredService<NpgsqlDataSource>(), cancellation);
            foreach (var database in databases)
                await database.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate, ct: cancellation);
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
            different.AddRange(migration.Deltas
                .Where(delta => delta.Difference != SchemaPatchDifference.None)
                .Select(delta => delta.SchemaObject.Identifier.QualifiedName));
        }

        var names = string.Join(", ", different.Distinct(StringComparer.Ordinal));
        if (names.Length > 0)
            throw new StartupException($"The database is not as this version needs it: {names}. Run: dotnet ResultsEs.dll db-apply");
    }

    /// <summary>Waits until no other process makes tables, and keeps others out until the result is disposed.</summary>
    /// <exception cref="StartupException">The database cannot be used.</exception>
    public static async Task<IAsyncDisposable> WaitForOtherMigrationsAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        var connection = database.CreateConnection();
        try
        {
            await connection.OpenAsync(cancellation);
            // The lock ends with the connection. The transaction idles while tables are made, so it must not time out.
            await connection.BeginTransactionAsync(cancellation);
            await connection.ExecuteAsync("set local idle_in_transaction_session_timeout = 0", [], cancellation);
            await AdvisoryLock.WaitInTransactionAsync(connection, "results.schema", cancellation);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (e is NpgsqlException)
                throw new StartupException($"The database cannot be used: {e.Message}", e);
            throw;
        }
    }
}
