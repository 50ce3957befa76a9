using JasperFx;
using ResultsEs.Access;
using ResultsEs.Ingestion;
using ResultsEs.Postgres;
using Wolverine.Http;

var builder = WebApplication.CreateBuilder(args);
builder.AddAccess();
builder.AddEventStore(builder.Configuration.GetConnectionString("results") ?? "");
builder.AddIngestion();
builder.Services.AddWolverineHttp();

var app = builder.Build();
app.UseAccess();
app.MapWolverineEndpoints();

return await app.RunJasperFxCommands(args);

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
