using ResultsEs.Postgres;

var builder = WebApplication.CreateBuilder(args);
using var startupLogging = LoggerFactory.Create(logging => logging.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
await using var database = await Database.OpenAsync(builder.Configuration, startupLogging.CreateLogger("ResultsEs.Postgres"), CancellationToken.None);

var app = builder.Build();
await app.RunAsync();

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
