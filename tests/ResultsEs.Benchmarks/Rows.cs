namespace ResultsEs.Benchmarks;

/// <summary>All rows of the table, by name, in its order; and those that the service is measured against, each of whom is this program told so.</summary>
internal static class Rows
{
    /// <summary>Measures a row.</summary>
    public delegate Task<IReadOnlyList<ResultRow>> Measure(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation);

    /// <summary>Runs one of those the service is measured against on a database, to its end.</summary>
    public delegate Task Run(string database, CancellationToken cancellation);

    public static readonly IReadOnlyList<(string Name, Measure Measure)> All =
    [
        (ReadRow.Name, ReadRow.MeasureAsync),
        (WriteRow.Name, WriteRow.MeasureAsync),
        (BatchRow.Name, BatchRow.MeasureAsync),
        (RebuildRow.Name, RebuildRow.MeasureAsync),
        (ExportRow.Name, ExportRow.MeasureAsync),
        (FeedRow.Name, FeedRow.MeasureAsync),
        (FollowRow.Name, FollowRow.MeasureAsync),
        (SearchRow.Name, SearchRow.MeasureAsync),
        (SummaryRow.Name, SummaryRow.MeasureAsync),
        (TableExportRow.Name, TableExportRow.MeasureAsync),
        (LengthRow.Name, LengthRow.MeasureAsync),
        (StartRow.Name, StartRow.MeasureAsync),
        // Before G1, which writes into the database that both have.
        (MemoryRow.Name, MemoryRow.MeasureAsync),
        (GrowthRow.Name, GrowthRow.MeasureAsync),
        (FairnessRow.Name, FairnessRow.MeasureAsync),
    ];

    public static readonly IReadOnlyDictionary<(string Who, string Row), Run> Others = new Dictionary<(string, string), Run>
    {
        [(ReadFloor.Argument, ReadRow.Name)] = ReadFloor.RunAsync,
        [(MartenReads.Argument, ReadRow.Name)] = MartenReads.RunAsync,
        [(EntityFrameworkReads.Argument, ReadRow.Name)] = EntityFrameworkReads.RunAsync,
        [(StartFloor.Argument, StartRow.Name)] = StartFloor.RunAsync,
        [(WriteFloor.Argument, WriteRow.Name)] = WriteFloor.RunAsync,
        [(MartenWrites.Argument, WriteRow.Name)] = MartenWrites.RunAsync,
        [(CrudWrites.Argument, WriteRow.Name)] = CrudWrites.RunAsync,
        [(CopyFloor.Argument, BatchRow.Name)] = CopyFloor.RunAsync,
        [(RebuildFloor.Argument, RebuildRow.Name)] = (database, cancellation) => RebuildFloor.RunAsync(database, Environment.ProcessorCount, cancellation),
        [(MartenRebuild.Argument, RebuildRow.Name)] = MartenRebuild.RunAsync,
    };
}
