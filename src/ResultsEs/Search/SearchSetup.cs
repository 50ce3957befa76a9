using Marten;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Search;

internal static class SearchSetup
{
    /// <summary>Adds the tables of texts, and what keeps them.</summary>
    public static WebApplicationBuilder AddSearch(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddFeedWorker<SearchIndexer>(SearchIndexer.WorkerName);
        services.ConfigureMarten(options => options.Storage.Add(new SearchSchema(options.Advanced.Migrator)));
        services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents
                ? SearchTable.RemoveErasedAsync(connection, changed, cancellation)
                : Task.CompletedTask);
        return builder;
    }
}
