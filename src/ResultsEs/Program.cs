var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
await app.RunAsync();

/// <summary>The service's entry point; a type so that tests can host it.</summary>
public sealed partial class Program;
