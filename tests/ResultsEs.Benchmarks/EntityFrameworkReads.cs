using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Access;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>Results as rows of a table that Entity Framework Core reads and writes, with their bodies as <c>jsonb</c>, behind ASP.NET Core as it comes.</summary>
internal static class EntityFrameworkReads
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "entity-framework";

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        var builder = PeerAccess.CreateBuilder();
        builder.Services.AddDbContextPool<PeerResults>(options => options.UseNpgsql(database));
        await using var app = builder.Build();
        await using (var scope = app.Services.CreateAsyncScope())
            await StoreAsync(scope.ServiceProvider.GetRequiredService<PeerResults>(), cancellation);
        await PeerAccess.ServeAsync(
            app,
            async (Guid id, ClaimsPrincipal user, PeerResults results, CancellationToken aborted) =>
            {
                var account = Guid.Parse(user.FindFirstValue(Caller.AccountClaim)!);
                var workspaces = user.FindAll(Caller.WorkspacesClaim).Select(claim => Guid.Parse(claim.Value)).ToArray();
                var result = await results.Results.AsNoTracking().FirstOrDefaultAsync(row => row.Account == account && row.Id == id && workspaces.Contains(row.Workspace), aborted);
                return result is null ? Results.NotFound() : Results.Text(result.Body, "application/json");
            },
            cancellation);
    }

    private static async Task StoreAsync(PeerResults results, CancellationToken cancellation)
    {
        await results.GetService<IRelationalDatabaseCreator>().CreateTablesAsync(cancellation);
#pragma warning disable EF1002 // Only names of ours are put in.
        await results.Database.ExecuteSqlRawAsync(
            $"""
            insert into {PeerResults.Schema}."Results" ("Account", "Id", "Workspace", "Body")
            select tenant_id::uuid, id, workspace_id, data -> 'body' from {SessionResultTable.Name}
            """,
            cancellation);
#pragma warning restore EF1002
    }
}

/// <summary>The table.</summary>
internal sealed class PeerResults(DbContextOptions<PeerResults> options) : DbContext(options)
{
    public const string Schema = "peer";

    public DbSet<PeerResult> Results => Set<PeerResult>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.HasDefaultSchema(Schema).Entity<PeerResult>(row =>
        {
            row.HasKey(result => new { result.Account, result.Id });
            row.Property(result => result.Body).HasColumnType("jsonb");
        });
}

/// <summary>A row of it.</summary>
internal sealed class PeerResult
{
    public Guid Account { get; init; }

    public Guid Id { get; init; }

    public Guid Workspace { get; init; }

    public string Body { get; init; } = "";
}
