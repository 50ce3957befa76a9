using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ResultsEs.Benchmarks;

/// <summary>The least that starts and can answer out of the database: ASP.NET's slim builder with one endpoint, and Npgsql with what it cannot do without.</summary>
internal static class StartFloor
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "floor";

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var source = new NpgsqlSlimDataSourceBuilder(database).Build();
        await using var app = builder.Build();
        app.MapGet("/health/live", async (HttpContext http) =>
        {
            await using var connection = await source.OpenConnectionAsync(http.RequestAborted);
            await using var command = new NpgsqlCommand("select 1", connection);
            await command.ExecuteNonQueryAsync(http.RequestAborted);
        });
        await app.RunAsync(cancellation);
    }
}
