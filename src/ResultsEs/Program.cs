using JasperFx;
using Npgsql;
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

if (args is [HealthProbe.Command, .. { Length: <= 1 } url])
    return await HealthProbe.RunAsync(url.FirstOrDefault());

// Of Marten's own commands this one empties the documents first: readers get 404 and writers fold onto nothing while it runs.
if (args is ["projections", "rebuild", ..])
{
    Console.Error.WriteLine("Documents are rebuilt while the service serves by: rebuild session-results, and rebuild highlight-reels.");
    return 1;
}

try
{
    // The store is set up by these, and nothing before it needs them; making them takes as long as all of that.
    var catalogue = Task.Run(static () => (Json.Options, EventCatalogue.All));
    var builder = WebApplication.CreateBuilder(args);
    builder.AddThoseBesideProgram();
    // Only a command needs JasperFx, which looks through every assembly for commands first.
    var isCommand = args is not ([] or [['-', ..], ..]);
    // Events that go to the standard output are alone there; what else is said goes to the other.
    if (args is ["replay", ..] && args.Contains(EventFileTarget.StandardOutput, StringComparer.Ordinal))
        Console.SetOut(Console.Error);
    Logs.Configure(builder.Logging, builder.Environment, isCommand);
    using var startupLogging = LoggerFactory.Create(logging => Logs.Configure(logging.AddConfiguration(builder.Configuration.GetSection("Logging")), builder.Environment, isCommand));
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
    // While endpoints are mapped; they ask nothing of the database.
    var prepared = isCommand ? Task.CompletedTask : Task.Run(() => DatabaseSchema.PrepareAsync(app.Services, CancellationToken.None));
    app.UseAccess();
    app.MapWolverineEndpoints();
    app.MapApiPages();
    app.MapObservability();

    if (!isCommand)
    {
        await prepared;
        await app.RunAsync();
        return 0;
    }

    await using var alone = args is ["db-apply", ..] ? await DatabaseSchema.AloneAsync(app.Services.GetRequiredService<NpgsqlDataSource>(), CancellationToken.None) : null;
    // A command says that it failed, and may have said how.
    var exitCode = await app.RunJasperFxCommands(args);
    return exitCode == 0 ? 0 : Math.Max(exitCode, Environment.ExitCode);
}
catch (Exception e) when (e is StartupException or DatabaseUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
