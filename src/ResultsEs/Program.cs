using JasperFx;
using ResultsEs.Access;

var builder = WebApplication.CreateBuilder(args);
builder.AddAccess();

var app = builder.Build();
app.UseAccess();

return await app.RunJasperFxCommands(args);

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
