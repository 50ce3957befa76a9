using Marten;
using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Exports;

internal static class ExportsSetup
{
    /// <summary>Adds exports of tables, and the worker that makes those that take longer.</summary>
    public static WebApplicationBuilder AddExports(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSettings<ExportOptions>(builder.Configuration.GetSection(ExportOptions.Section), ExportOptions.Problems);
        services.AddSingleton(provider => new TableExports(
            provider.GetRequiredService<ReadDatabase>(),
            provider.GetRequiredService<ChangeFeed>(),
            provider.GetRequiredService<ILogger<SessionSource>>()));
        services.AddSingleton(provider => new FileSigner(
            provider.GetRequiredService<SigningKey>(),
            () => TokenIssuer.Issuer(
                provider.GetRequiredService<IOptions<AccessOptions>>().Value, provider.GetRequiredService<IConfiguration>()),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new ExportStore(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<IOptions<ExportOptions>>().Value,
            provider.GetRequiredService<FileSigner>()));
        services.AddSingleton(provider => new ExportQueue(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<IOptions<ExportOptions>>().Value));
        services.AddHostedService<ExportWorker>();
        services.ConfigureMarten(options => options.Storage.Add(new ExportSchema(options.Advanced.Migrator)));
        services.AddSingleton<StreamErased>((connection, table, stream, cancellation) => table == SessionResultTable.Documents
            ? ExportQueue.NoteErasedAsync(connection, stream.Account, cancellation)
            : Task.CompletedTask);
        return builder;
    }
}
