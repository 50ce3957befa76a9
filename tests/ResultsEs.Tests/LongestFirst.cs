using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(ResultsEs.Tests.LongestFirst))]

namespace ResultsEs.Tests;

/// <summary>Starts the classes that take longest first, so that none of them runs alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(Faults.FaultTests), nameof(Rebuilding.RebuildWhileServingTests), nameof(Hosting.StandbyTests),
        nameof(Rebuilding.RollingDeploymentTests), nameof(Hosting.ObservabilityTests), nameof(EventStore.DatabaseSchemaTests),
        nameof(Ingestion.Import.ImportCommandTests), nameof(Hosting.ImageTests), nameof(Hosting.BackupDrillTests), nameof(OpenApi.ClientTests),
        nameof(Explorer.ExplorerBrowserTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => Place(collection.TestCollectionDisplayName))];

    /// <summary>By the name that a class's collection has: "Test collection for NAMESPACE.CLASS (id: …)".</summary>
    private static int Place(string collection) =>
        Array.FindIndex(Longest, name => collection.Contains($".{name} ", StringComparison.Ordinal)) is >= 0 and var place ? place : Longest.Length;
}
