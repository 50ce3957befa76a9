using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The obvious way: Entity Framework Core, a row a session with the document in it, which is read, changed and written, unless somebody else has meanwhile. Events are not kept, nobody is
/// authenticated, no event is checked, none is recognised that came before, and the documents have no indexes of their own.
/// </summary>
internal static class CrudWrites
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "crud";

    public const string Table = "w1_crud.sessions";

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddDbContextPool<Context>(options => options.UseNpgsql(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 32 }.ConnectionString));
        await using var app = builder.Build();
        await Postgres.ExecuteAsync(database, $"create schema w1_crud; create table {Table} (id uuid primary key, changes int not null, document jsonb not null)", cancellation);
        app.MapGet("/health/live", () => "");
        app.MapPost("/api/v2/sessionEvents", async (SurveyMessage message, Context context, CancellationToken aborted) =>
        {
            var row = await context.Sessions.SingleOrDefaultAsync(session => session.Id == message.Subject, aborted);
            if (row is null)
                context.Sessions.Add(row = new Row { Id = message.Subject, Document = new Survey(message.Subject) });
            row.Document = message.ToEvent() switch
            {
                SurveyStarted happened => row.Document.Apply(happened),
                SurveyProfiled happened => row.Document.Apply(happened),
                SurveyAnswered happened => row.Document.Apply(happened),
                SurveySkipped happened => row.Document.Apply(happened),
                SurveyScored happened => row.Document.Apply(happened),
                SurveyCompleted happened => row.Document.Apply(happened),
                _ => row.Document,
            };
            row.Changes++;
            try
            {
                await context.SaveChangesAsync(aborted);
            }
            catch (DbUpdateConcurrencyException)
            {
                return Results.Conflict();
            }

            return Results.Ok(new { Accepted = 1 });
        });
        await ((IHost)app).RunAsync(cancellation);
    }

    /// <summary>A session.</summary>
    internal sealed class Row
    {
        public Guid Id { get; init; }

        public int Changes { get; set; }

        public required Survey Document { get; set; }
    }

    /// <summary>The table.</summary>
    internal sealed class Context(DbContextOptions<Context> options) : DbContext(options)
    {
        public DbSet<Row> Sessions => Set<Row>();

        protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<Row>(row =>
        {
            row.ToTable("sessions", "w1_crud");
            row.Property(session => session.Id).HasColumnName("id").ValueGeneratedNever();
            row.Property(session => session.Changes).HasColumnName("changes").IsConcurrencyToken();
            // A document is never changed, but made anew.
            row.Property(session => session.Document).HasColumnName("document").HasColumnType("jsonb").HasConversion(
                document => JsonSerializer.Serialize(document, JsonSerializerOptions.Web),
                json => JsonSerializer.Deserialize<Survey>(json, JsonSerializerOptions.Web)!,
                new ValueComparer<Survey>((left, right) => ReferenceEquals(left, right), document => document.Id.GetHashCode(), document => document));
        });
    }
}
