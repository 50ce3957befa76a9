namespace ResultsEs.Exports;

/// <summary>The formats of exports.</summary>
internal enum ExportFormat
{
    Csv,
    Parquet,
    Ndjson,

    /// <summary>CSV with a row a session and the tasks of one test side by side.</summary>
    WideCsv,
}

/// <summary>What the words for formats mean.</summary>
internal static class ExportFormats
{
    public static IReadOnlyList<string> Names { get; } = ["csv", "parquet", "ndjson", "wide-csv"];

    public static ExportFormat Of(string name) => (ExportFormat)Names.Index().Single(format => format.Item == name).Index;

    public static string NameOf(ExportFormat format) => Names[(int)format];

    /// <summary>The content types of all formats.</summary>
    public static IReadOnlyList<string> ContentTypes { get; } = ["text/csv", "application/vnd.apache.parquet", "application/x-ndjson"];

    public static string ContentType(ExportFormat format) => format switch
    {
        ExportFormat.Parquet => "application/vnd.apache.parquet",
        ExportFormat.Ndjson => "application/x-ndjson",
        _ => "text/csv; charset=utf-8",
    };

    public static string Extension(ExportFormat format) => format switch
    {
        ExportFormat.Parquet => "parquet",
        ExportFormat.Ndjson => "ndjson",
        _ => "csv",
    };
}

/// <summary>Writes batches of rows in a format into a buffer.</summary>
internal abstract class TableWriter : IAsyncDisposable
{
    /// <summary>Makes the writer of a format. A byte order mark is for CSV alone.</summary>
    public static async Task<TableWriter> CreateAsync(
        ExportFormat format, IReadOnlyList<Column> columns, OutputBuffer output, bool withMark, CancellationToken cancellation) =>
        format switch
        {
            ExportFormat.Parquet => await ParquetTable.CreateAsync(columns, output, cancellation),
            ExportFormat.Ndjson => new NdjsonTable(columns, output),
            _ => new CsvTable(columns, output, withMark),
        };

    /// <summary>True when a batch is full enough to be written.</summary>
    public abstract bool IsFull(TableBatch batch);

    /// <summary>Writes rows.</summary>
    public abstract ValueTask WriteAsync(TableBatch batch, CancellationToken cancellation);

    /// <summary>Writes what ends the file. Without it a file is not whole.</summary>
    public virtual ValueTask EndAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
