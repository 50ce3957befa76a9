namespace ResultsEs.Exports;

/// <summary>The values of one column. Owned by its batch.</summary>
internal abstract class ColumnValues
{
    public abstract void Clear();

    /// <summary>Makes the values of a kind.</summary>
    public static ColumnValues Of(ColumnKind kind) => kind switch
    {
        ColumnKind.Text => new ColumnValues<string?>(),
        ColumnKind.Uuid => new ColumnValues<Guid?>(),
        ColumnKind.Whole => new ColumnValues<long?>(),
        ColumnKind.Number => new ColumnValues<decimal?>(),
        ColumnKind.Flag => new ColumnValues<bool?>(),
        ColumnKind.Time => new ColumnValues<DateTime?>(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}

/// <inheritdoc/>
internal sealed class ColumnValues<T> : ColumnValues
{
    private T[] _items = new T[256];
    private int _count;

    public ReadOnlyMemory<T> Items => _items.AsMemory(0, _count);

    public T this[int row] => _items[row];

    public void Add(T value)
    {
        if (_count == _items.Length)
            Array.Resize(ref _items, _count * 2);
        _items[_count++] = value;
    }

    public override void Clear()
    {
        // Texts are let go.
        Array.Clear(_items, 0, _count);
        _count = 0;
    }
}

/// <summary>
/// Rows of a table, held column by column, so that each format takes them as it likes. A row is given value by value, in the order of the
/// columns. One thread at a time uses it.
/// </summary>
internal sealed class TableBatch(IReadOnlyList<Column> columns)
{
    // What a value takes beside its text, roughly.
    private const int ValueBytes = 12;

    private readonly ColumnValues[] _values = [.. columns.Select(column => ColumnValues.Of(column.Kind))];
    private int _column;

    public IReadOnlyList<Column> Columns => columns;

    public int Rows { get; private set; }

    /// <summary>The bytes that the rows take, roughly.</summary>
    public long Bytes { get; private set; }

    public ColumnValues<T> Values<T>(int column) => (ColumnValues<T>)_values[column];

    public TableBatch Text(string? value)
    {
        Bytes += 2L * (value?.Length ?? 0);
        return Add(value);
    }

    public TableBatch Uuid(Guid? value) => Add(value);

    public TableBatch Whole(long? value) => Add(value);

    public TableBatch Number(decimal? value) => Add(value);

    public TableBatch Flag(bool? value) => Add(value);

    public TableBatch Time(DateTimeOffset? value) => Add(value?.UtcDateTime);

    /// <summary>Adds a JSON value as the column's kind: null stays null, and what is no text is its JSON.</summary>
    public TableBatch Json(JsonElement value, ColumnKind kind)
    {
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return Null(kind);

        return kind switch
        {
            ColumnKind.Text => Text(value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()),
            ColumnKind.Uuid => Uuid(value.GetGuid()),
            ColumnKind.Whole => Whole((long)value.GetDecimal()),
            ColumnKind.Number => Number(value.GetDecimal()),
            ColumnKind.Flag => Flag(value.GetBoolean()),
            _ => Time(value.GetDateTimeOffset()),
        };
    }

    public TableBatch Null(ColumnKind kind) => kind switch
    {
        ColumnKind.Text => Text(null),
        ColumnKind.Uuid => Uuid(null),
        ColumnKind.Whole => Whole(null),
        ColumnKind.Number => Number(null),
        ColumnKind.Flag => Flag(null),
        _ => Time(null),
    };

    /// <summary>Ends a row. Columns without a value are null.</summary>
    public void EndRow()
    {
        while (_column < columns.Count)
            Null(columns[_column].Kind);
        (_column, Rows) = (0, Rows + 1);
    }

    public void Clear()
    {
        foreach (var values in _values)
            values.Clear();
        (Rows, Bytes) = (0, 0);
    }

    private TableBatch Add<T>(T value)
    {
        Values<T>(_column++).Add(value);
        Bytes += ValueBytes;
        return this;
    }
}
