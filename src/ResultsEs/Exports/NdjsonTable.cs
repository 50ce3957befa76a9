namespace ResultsEs.Exports;

/// <summary>A JSON object a row, on a line of its own. Columns of JSON are texts, as in the other formats.</summary>
internal sealed class NdjsonTable(IReadOnlyList<Column> columns, OutputBuffer output) : TableWriter
{
    private const int MaxBytes = 512 * 1024;

    private static readonly JsonWriterOptions Options = new() { Encoder = Json.Options.Encoder };

    private readonly JsonEncodedText[] _names = [.. columns.Select(column => JsonEncodedText.Encode(column.Name))];

    public override bool IsFull(TableBatch batch) => batch.Bytes >= MaxBytes;

    public override ValueTask WriteAsync(TableBatch batch, CancellationToken cancellation)
    {
        using var json = new Utf8JsonWriter((Stream)output, Options);
        for (var row = 0; row < batch.Rows; row++)
        {
            json.WriteStartObject();
            for (var column = 0; column < _names.Length; column++)
            {
                json.WritePropertyName(_names[column]);
                Write(json, batch, column, row);
            }

            json.WriteEndObject();
            json.Flush();
            output.WriteByte((byte)'\n');
            json.Reset();
        }

        return ValueTask.CompletedTask;
    }

    private static void Write(Utf8JsonWriter json, TableBatch batch, int column, int row)
    {
        switch (batch.Columns[column].Kind)
        {
            case ColumnKind.Text:
                json.WriteStringValue(batch.Values<string?>(column)[row]);
                break;
            case ColumnKind.Uuid when batch.Values<Guid?>(column)[row] is { } id:
                json.WriteStringValue(id);
                break;
            case ColumnKind.Whole when batch.Values<long?>(column)[row] is { } whole:
                json.WriteNumberValue(whole);
                break;
            case ColumnKind.Number when batch.Values<decimal?>(column)[row] is { } number:
                json.WriteNumberValue(number);
                break;
            case ColumnKind.Flag when batch.Values<bool?>(column)[row] is { } flag:
                json.WriteBooleanValue(flag);
                break;
            case ColumnKind.Time when batch.Values<DateTime?>(column)[row] is { } time:
                json.WriteStringValue(MillisecondsUtcConverter.Text(new DateTimeOffset(time)));
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
