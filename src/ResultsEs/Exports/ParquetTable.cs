using System.Runtime.InteropServices;
using Parquet;
using Parquet.Schema;

namespace ResultsEs.Exports;

/// <summary>Parquet. A batch is a row group. The footer at the end knows all of them: a file that is cut off cannot be read.</summary>
internal sealed class ParquetTable : TableWriter
{
    // A reader wants row groups of some size; they are in memory twice while one is written.
    private const int MaxBytes = 8 * 1024 * 1024;

    private static readonly ParquetOptions Options = new()
    {
        CompressionMethod = CompressionMethod.Snappy,
        // Columns of ids and of free text are not tried for a dictionary as a whole.
        DictionaryEncodingSampleSize = 1_000,
    };

    private readonly DataField[] _fields;
    private readonly ParquetWriter _parquet;
    private bool _hasEnded;

    private ParquetTable(DataField[] fields, ParquetWriter parquet) => (_fields, _parquet) = (fields, parquet);

    public static async Task<ParquetTable> CreateAsync(
        IReadOnlyList<Column> columns, OutputBuffer output, CancellationToken cancellation)
    {
        DataField[] fields = [.. columns.Select(FieldOf)];
        var schema = new ParquetSchema(fields);
        return new ParquetTable(fields, await ParquetWriter.CreateAsync(schema, output, Options, cancellationToken: cancellation));
    }

    public override bool IsFull(TableBatch batch) => batch.Bytes >= MaxBytes;

    public override async ValueTask WriteAsync(TableBatch batch, CancellationToken cancellation)
    {
        if (batch.Rows == 0)
            return;

        using var group = _parquet.CreateRowGroup();
        for (var column = 0; column < _fields.Length; column++)
            await WriteAsync(group, _fields[column], batch, column, cancellation);
        group.CompleteValidate();
    }

    public override ValueTask EndAsync(CancellationToken cancellation)
    {
        _hasEnded = true;
        // It writes the footer.
        return _parquet.DisposeAsync();
    }

    public override ValueTask DisposeAsync() => _hasEnded ? ValueTask.CompletedTask : EndAsync(CancellationToken.None);

    private static DataField FieldOf(Column column) => column.Kind switch
    {
        ColumnKind.Text => new DataField(column.Name, typeof(string), isNullable: true),
        ColumnKind.Uuid => new DataField(column.Name, typeof(Guid), isNullable: true),
        ColumnKind.Whole => new DataField(column.Name, typeof(long), isNullable: true),
        ColumnKind.Number => new DataField(column.Name, typeof(double), isNullable: true),
        ColumnKind.Flag => new DataField(column.Name, typeof(bool), isNullable: true),
        _ => new DateTimeDataField(
            column.Name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Millis, isNullable: true),
    };

    private static Task WriteAsync(
        ParquetRowGroupWriter group, DataField field, TableBatch batch, int column, CancellationToken cancellation) =>
        batch.Columns[column].Kind switch
        {
            ColumnKind.Text => group.WriteAsync(field, MemoryMarshal.ToEnumerable(batch.Values<string?>(column).Items).ToList()!),
            ColumnKind.Uuid => group.WriteAsync<Guid>(
                field, batch.Values<Guid?>(column).Items, cancellationToken: cancellation),
            ColumnKind.Whole => group.WriteAsync<long>(
                field, batch.Values<long?>(column).Items, cancellationToken: cancellation),
            ColumnKind.Number => group.WriteAsync<double>(
                field, Nearest(batch.Values<decimal?>(column).Items), cancellationToken: cancellation),
            ColumnKind.Flag => group.WriteAsync<bool>(
                field, batch.Values<bool?>(column).Items, cancellationToken: cancellation),
            _ => group.WriteAsync<DateTime>(field, batch.Values<DateTime?>(column).Items, cancellationToken: cancellation),
        };

    private static double?[] Nearest(ReadOnlyMemory<decimal?> numbers)
    {
        var nearest = new double?[numbers.Length];
        for (var row = 0; row < nearest.Length; row++)
            nearest[row] = (double?)numbers.Span[row];
        return nearest;
    }
}
