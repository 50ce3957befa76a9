using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.Commands;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Explorer;
using ResultsEs.Exports;
using ResultsEs.Hosting;
using ResultsEs.Http;
using ResultsEs.Ingestion;
using ResultsEs.Mcp;
using ResultsEs.Media;
using ResultsEs.Operating;
using ResultsEs.Privacy;
using ResultsEs.Rebuilding;
using ResultsEs.Search;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.TestResults;
using ResultsEs.Webhooks;

var isStarted = false;
try
{
    if (await CommandLine.TryRunWithoutDatabaseAsync(args) is { } exitCode)
        return exitCode;

    var isCommand = CommandLine.IsCommand(args);
    // Takes as long as all before AddEventStore, which is the first that needs it.
    var catalogue = Task.Run(static () => (Json.Options, EventCatalogue.All));
    var builder = WebApplication.CreateBuilder(args);
    builder.AddSettingsFiles();
    using var loggers = builder.AddLogs(isCommand);
    // Before the host is built, because the event store is registered with a connection string.
    var postgresLogger = loggers.CreateLogger("ResultsEs.Postgres");
    await using var database = await Database.OpenAsync(builder.Configuration, postgresLogger, CancellationToken.None);
    builder.AddAccess();
    builder.AddApiPages();
    await catalogue;
    builder.AddEventStore(database.ConnectionString);
    builder.AddReads(database.ConnectionString);
    builder.AddAuditTable();
    builder.AddStoredClients();
    builder.AddProjectionVersions();
    builder.AddIngestion();
    builder.AddSessions();
    builder.AddTestTotals();
    builder.AddChanges();
    builder.AddSearch();
    builder.AddMedia();
    builder.AddWebhooks();
    builder.AddExports();
    builder.AddExplorer();
    builder.AddSummaries();
    builder.AddPrivacy();
    builder.AddOperating();
    builder.AddMcp();
    builder.AddObservability();
    builder.AddManagement();
    builder.AddSamples();
    builder.Services.AddWolverineHttp();

    await using var app = builder.Build();
    if (!isCommand)
        Settings.Validate(app.Services);
    // Runs while endpoints are mapped, which does not use the database.
    var prepared = isCommand
        ? Task.CompletedTask
        : Task.Run(() => ProjectionVersionKeeper.PrepareDatabaseAsync(app.Services, CancellationToken.None));
    app.UseAccess();
    app.MapWolverineEndpoints();
    app.MapApiPages();
    app.MapExplorer();
    app.MapMcp();
    app.CreateGauges();
    if (isCommand)
        return await CommandLine.RunAsync(app, args);

    await prepared;
    try
    {
        await app.StartAsync();
    }
    catch
    {
        // Background services that had begun are stopped. The host would log what is only cancelled as failed.
        await app.StopAsync();
        throw;
    }

    isStarted = true;
    await app.WaitForShutdownAsync();
    return 0;
}
catch (Exception e) when (!isStarted && (e is DatabaseUnavailableException ? e.Message : StartFailure.Explain(e)) is { } lines)
{
    Console.Error.WriteLine(lines);
    return 1;
}

/// <summary>The entry point of the service; public so that tests can host it.</summary>
public sealed partial class Program;
