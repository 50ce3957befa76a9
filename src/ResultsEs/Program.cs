using ResultsEs.Commands;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Hosting;
using ResultsEs.Http;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;
using Wolverine.Http;

try
{
    if (await CommandLine.TryRunWithoutDatabaseAsync(args) is { } exitCode)
        return exitCode;

    var isCommand = CommandLine.IsCommand(args);
    // The store is set up by these, and nothing before it needs them; making them takes as long as all of that.
    var catalogue = Task.Run(static () => (Json.Options, EventCatalogue.All));
    var builder = WebApplication.CreateBuilder(args);
    builder.AddSettingsFiles();
    using var startupLogging = builder.AddLogs(isCommand);
    // Before the host is built, because the parts of the store are registered with how to connect.
    await using var database = await Database.OpenAsync(builder.Configuration, startupLogging.CreateLogger("ResultsEs.Postgres"), CancellationToken.None);
    builder.AddAccess();
    await catalogue;
    builder.AddEventStore(database.ConnectionString);
    builder.AddReads(database.ConnectionString);
    builder.AddProjectionVersions();
    builder.AddIngestion();
    builder.AddSessions();
    builder.AddTestTotals();
    builder.AddMedia();
    builder.AddObservability();
    builder.AddSamples();
    builder.Services.AddWolverineHttp();

    var app = builder.Build();
    if (!isCommand)
        Settings.Validate(app.Services);
    // While endpoints are mapped; they ask nothing of the database.
    var prepared = isCommand ? Task.CompletedTask : Task.Run(() => ProjectionVersionKeeper.PrepareDatabaseAsync(app.Services, CancellationToken.None));
    app.UseAccess();
    app.MapWolverineEndpoints();
    app.MapApiPages();
    app.MapObservability();
    if (isCommand)
        return await CommandLine.RunAsync(app, args);

    await prepared;
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is StartupException or DatabaseUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
