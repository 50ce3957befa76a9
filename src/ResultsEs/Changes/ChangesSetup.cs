using JasperFx.Events.Projections;
using Marten;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

internal static class ChangesSetup
{
    /// <summary>Adds the feed of changes: its tables, what writes them, and who reads them.</summary>
    public static WebApplicationBuilder AddChanges(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSettings<ChangesOptions>(builder.Configuration.GetSection(ChangesOptions.Section), ChangesOptions.Problems);
        services.AddSingleton(provider => new ChangeFeed(
            provider.GetRequiredService<ReadDatabase>(), provider.GetRequiredService<FeedEnd>(),
            provider.GetRequiredService<ChangeWaiters>(), provider.GetRequiredService<ILogger<ChangeFeed>>()));
        services.AddSingleton<FeedEnd>();
        services.AddSingleton<ChangeWaiters>();
        services.AddHostedService(provider => provider.GetRequiredService<ChangeWaiters>());
        services.AddHostedService<ChangeKeeper>();
        services.ConfigureMarten(options =>
        {
            options.Storage.Add(new ChangeSchema(options.Advanced.Migrator));
            options.Projections.Add(new ChangeProjection(), ProjectionLifecycle.Inline);
        });
        services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents ? ChangeTable.FollowAsync(connection, changed, cancellation) : Task.CompletedTask);
        services.AddSingleton<StreamErased>((connection, table, stream, cancellation) =>
            table == SessionResultTable.Documents
                ? ChangeTable.FollowAsync(connection, [stream], cancellation, isErased: true)
                : Task.CompletedTask);
        return builder;
    }
}
