using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ResultsEs.Exports;

namespace ResultsEs.Tests.Exports;

/// <summary>DuckDB, which reads what is exported as a user's warehouse would.</summary>
internal static class Duck
{
    private static readonly JsonSerializerOptions Relaxed = new() { MaxDepth = 100 };

    /// <summary>Runs statements in one database, and gives the rows of each.</summary>
    public static async Task<IReadOnlyList<IReadOnlyList<JsonObject>>> RunAsync(params IEnumerable<string> statements)
    {
        var run = await NodeTools.RunAsync("node", ["duckdb.mjs"], JsonSerializer.Serialize<IEnumerable<string>>(["set timezone = 'UTC'", .. statements]));
        Assert.True(run.ExitCode == 0, run.Errors);
        return [.. JsonSerializer.Deserialize<JsonArray>(run.Output, Relaxed)!.Skip(1).Select(rows => (IReadOnlyList<JsonObject>)[.. rows!.AsArray().Select(row => row!.AsObject())])];
    }

    /// <summary>What reads a file as a table of these columns. Texts of CSV are as they were before they were made safe.</summary>
    public static string From(string file, ExportFormat format, IReadOnlyList<Column> columns)
    {
        var types = string.Join(", ", columns.Select(column => $"'{column.Name}': '{TypeOf(column.Kind)}'"));
        return format switch
        {
            ExportFormat.Parquet => $"'{file}'",
            ExportFormat.Ndjson => $"read_json('{file}', format = 'newline_delimited', columns = {{{types}}})",
            _ => $"(select * replace ({string.Join(", ", columns.Where(column => column.Kind == ColumnKind.Text).Select(column => $"regexp_replace(\"{column.Name}\", '^''', '') as \"{column.Name}\""))}) "
                + $"from read_csv('{file}', header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false, columns = {{{types}}}))",
        };
    }

    public static string TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Text => "VARCHAR",
        ColumnKind.Uuid => "UUID",
        ColumnKind.Whole => "BIGINT",
        ColumnKind.Number => "DOUBLE",
        ColumnKind.Flag => "BOOLEAN",
        _ => "TIMESTAMP WITH TIME ZONE",
    };

    /// <summary>True when a value of a row says what a value of the API says.</summary>
    public static bool Says(JsonNode? found, JsonNode? expected)
    {
        if (expected is null || found is null)
            return expected is null && found is null;
        if (expected is JsonObject or JsonArray)
            return JsonNode.DeepEquals(JsonNode.Parse(found.GetValue<string>()), expected);

        var (one, other) = (found.ToString(), expected.ToString());
        return one == other
            || (expected.GetValueKind() == JsonValueKind.Number && double.Parse(one, NumberStyles.Float, CultureInfo.InvariantCulture).Equals(double.Parse(other, NumberStyles.Float, CultureInfo.InvariantCulture)))
            || (DateTimeOffset.TryParse(one, CultureInfo.InvariantCulture, out var moment) && DateTimeOffset.TryParse(other, CultureInfo.InvariantCulture, out var meant) && moment == meant);
    }
}
