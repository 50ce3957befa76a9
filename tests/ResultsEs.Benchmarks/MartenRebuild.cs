using Marten;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>Marten's own rebuild of the same documents, by its daemon with its defaults: it empties the table first, so nobody can read meanwhile.</summary>
internal static class MartenRebuild
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "marten";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        await using var store = DocumentStore.For(options =>
        {
            options.Connection(database);
            MartenSetup.Configure(options, [SessionResultTable.Documents]);
        });
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.RebuildProjectionAsync(nameof(SessionResult), Patience, cancellation);
    }
}
