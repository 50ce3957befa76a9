using CsvHelper;

namespace ResultsEs.Exports;

/// <summary>
/// CSV by RFC 4180. An absent value is an empty field, an empty text two quotes. A text that a spreadsheet could take for a formula begins
/// with an apostrophe more, and so does one that begins with an apostrophe: who takes one off the front has every text as it was.
/// </summary>
internal sealed class CsvTable : TableWriter
{
    private const int MaxBytes = 512 * 1024;

    /// <summary>What begins a formula in some spreadsheet (OWASP, CSV injection), also in full width; and what marks a text.</summary>
    private static readonly SearchValues<char> Marked = SearchValues.Create("=+-@\t\r\n'\uFF1D\uFF0B\uFF0D\uFF20");

    private static readonly CsvWriterOptions Options = CsvWriterOptions.Default with { TrueValue = "true", FalseValue = "false" };

    private readonly CsvWriter _csv;

    public CsvTable(IReadOnlyList<Column> columns, OutputBuffer output, bool withMark)
    {
        _csv = CsvWriter.Create(output, Options with { WriteByteOrderMark = withMark }, leaveOpen: true);
        foreach (var column in columns)
            WriteText(column.Name);
        _csv.EndRecord();
        _csv.Flush();
    }

    public override bool IsFull(TableBatch batch) => batch.Bytes >= MaxBytes;

    public override ValueTask WriteAsync(TableBatch batch, CancellationToken cancellation)
    {
        for (var row = 0; row < batch.Rows; row++)
        {
            for (var column = 0; column < batch.Columns.Count; column++)
                Write(batch, column, row);
            _csv.EndRecord();
        }

        _csv.Flush();
        return ValueTask.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _csv.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Write(TableBatch batch, int column, int row)
    {
        switch (batch.Columns[column].Kind)
        {
            case ColumnKind.Text:
                WriteText(batch.Values<string?>(column)[row]);
                break;
            case ColumnKind.Uuid:
                _csv.WriteField(batch.Values<Guid?>(column)[row], default);
                break;
            case ColumnKind.Whole:
                _csv.WriteField(batch.Values<long?>(column)[row], default);
                break;
            case ColumnKind.Number:
                _csv.WriteField(batch.Values<decimal?>(column)[row], default);
                break;
            case ColumnKind.Flag when batch.Values<bool?>(column)[row] is { } flag:
                _csv.WriteField(flag);
                break;
            case ColumnKind.Flag:
                _csv.WriteField((string?)null);
                break;
            default:
                _csv.WriteField(batch.Values<DateTime?>(column)[row], MillisecondsUtcConverter.Format);
                break;
        }
    }

    private void WriteText(string? text)
    {
        if (text is "")
            _csv.WriteField(text, CsvQuoting.Always);
        else if (text is not null && Marked.Contains(text[0]))
            _csv.WriteField($"'{text}");
        else
            _csv.WriteField(text);
    }
}
