using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten;
using Marten.Events.Aggregation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ResultsEs.Benchmarks;

/// <summary>
/// Marten as it comes: a minimal API that appends each request's event and has the document made in the same transaction, with Marten's defaults but for lightweight sessions, which its
/// documentation asks for. Nobody is authenticated, no event is checked, none is recognised that came before, and the documents have no indexes of their own.
/// </summary>
internal static class MartenWrites
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "marten";

    public const string Schema = "w1_marten";

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddMarten(options =>
        {
            options.Connection(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 32 }.ConnectionString);
            options.DatabaseSchemaName = Schema;
            options.Projections.Add(new SurveyProjection(), ProjectionLifecycle.Inline);
        }).UseLightweightSessions().ApplyAllDatabaseChangesOnStartup();
        await using var app = builder.Build();
        app.MapGet("/health/live", () => "");
        app.MapPost("/api/v2/sessionEvents", async (SurveyMessage message, IDocumentSession session, CancellationToken aborted) =>
        {
            var happened = message.ToEvent();
            if (happened is SurveyStarted)
                session.Events.StartStream(message.Subject, happened);
            else
                session.Events.Append(message.Subject, happened);
            await session.SaveChangesAsync(aborted);
            return Results.Ok(new { Accepted = 1 });
        });
        await ((IHost)app).RunAsync(cancellation);
    }
}

/// <summary>Makes a <see cref="Survey"/> of each stream.</summary>
internal sealed partial class SurveyProjection : SingleStreamProjection<Survey, Guid>
{
    public static Survey Create(IEvent<SurveyStarted> happened) => new Survey(happened.StreamId).Apply(happened.Data);

    public Survey Apply(Survey survey, SurveyProfiled happened) => survey.Apply(happened);

    public Survey Apply(Survey survey, SurveyScored happened) => survey.Apply(happened);

    public Survey Apply(Survey survey, SurveyCompleted happened) => survey.Apply(happened);

    public Survey Apply(Survey survey, SurveyAnswered happened) => survey.Apply(happened);

    public Survey Apply(Survey survey, SurveySkipped happened) => survey.Apply(happened);
}
