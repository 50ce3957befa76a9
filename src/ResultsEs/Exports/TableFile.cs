namespace ResultsEs.Exports;

/// <summary>Takes the bytes of a file to where they go, in their order.</summary>
internal delegate ValueTask ExportSink(ReadOnlyMemory<byte> bytes, CancellationToken cancellation);

/// <summary>
/// A file of an export while it is made: rows gather in its batch, and are written when these are enough. Memory holds a batch and what
/// that becomes. Owned by one export.
/// </summary>
internal sealed class TableFile : IAsyncDisposable
{
    private readonly OutputBuffer _output;
    private readonly TableWriter _writer;
    private readonly ExportSink _sink;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private TableFile(string table, IReadOnlyList<Column> columns, OutputBuffer output, TableWriter writer, ExportSink sink) =>
        (Table, Batch, _output, _writer, _sink) = (table, new TableBatch(columns), output, writer, sink);

    public string Table { get; }

    public TableBatch Batch { get; }

    /// <summary>The rows that were written.</summary>
    public long Rows { get; private set; }

    public long Bytes => _output.Position;

    /// <summary>The hash of the bytes so far, as hexadecimal digits.</summary>
    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public static async Task<TableFile> CreateAsync(
        string table, IReadOnlyList<Column> columns, ExportFormat format, bool withMark, ExportSink sink, CancellationToken cancellation)
    {
        var output = new OutputBuffer();
        return new TableFile(
            table, columns, output, await TableWriter.CreateAsync(format, columns, output, withMark, cancellation), sink);
    }

    /// <summary>Writes the rows when they are enough.</summary>
    public Task FlushAsync(CancellationToken cancellation) =>
        _writer.IsFull(Batch) ? WriteAsync(cancellation) : Task.CompletedTask;

    /// <summary>Writes all, and what ends the file.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await WriteAsync(cancellation);
        await _writer.EndAsync(cancellation);
        await TakeAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await _output.DisposeAsync();
        _hash.Dispose();
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        await _writer.WriteAsync(Batch, cancellation);
        Rows += Batch.Rows;
        Batch.Clear();
        await TakeAsync(cancellation);
    }

    private async Task TakeAsync(CancellationToken cancellation)
    {
        _hash.AppendData(_output.Written.Span);
        await _sink(_output.Written, cancellation);
        _output.Take();
    }
}
