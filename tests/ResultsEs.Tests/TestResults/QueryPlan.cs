using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;

namespace ResultsEs.Tests.TestResults;

/// <summary>A plan as it ran.</summary>
internal sealed class QueryPlan(JsonNode root)
{
    // Small by their nature, and so read as a whole: what waits to be counted.
    private static readonly string[] Small = ["test_changes"];

    /// <summary>A line a node.</summary>
    public string Text => string.Join('\n', Lines(root, 0));

    public int Rows => (int)(double)root["Actual Rows"]!;

    public long Pages => (long)root["Shared Hit Blocks"]! + (long)root["Shared Read Blocks"]!;

    public long HeapFetches => Nodes(root).Sum(node => (long?)node["Heap Fetches"] ?? 0);

    /// <summary>Tables that are read from one end to the other, or an index of theirs by nothing but its order.</summary>
    public IReadOnlyList<string> Unindexed =>
    [
        .. Nodes(root)
            .Where(node => (string)node["Node Type"]! is "Seq Scan" or "Parallel Seq Scan" || ((string?)node["Index Name"] is not null && node["Index Cond"] is null))
            .Select(node => (string?)node["Relation Name"] ?? (string)node["Index Name"]!)
            .Except(Small),
    ];

    /// <summary>Indexes that are read with the rows of their table beside them.</summary>
    public IReadOnlyList<string> WithTable =>
        [.. Nodes(root).Where(node => node["Index Name"] is not null && (string)node["Node Type"]! != "Index Only Scan").Select(node => (string)node["Index Name"]!).Distinct()];

    /// <summary>Index entries that the part of the list took, those included that a filter dropped.</summary>
    public double RowsWalkedForPart => Nodes(root)
        .Where(node => (string?)node["Subplan Name"] == "CTE part")
        .SelectMany(Nodes)
        .Where(node => node["Index Name"] is not null)
        .Sum(node => ((double)node["Actual Rows"]! + ((double?)node["Rows Removed by Filter"] ?? 0)) * (double)node["Actual Loops"]!);

    /// <summary>Runs a command, and says how.</summary>
    public static async Task<QueryPlan> OfAsync(NpgsqlConnection connection, Action<NpgsqlCommand> build)
    {
        await using var command = new NpgsqlCommand(null, connection);
        build(command);
        command.CommandText = "explain (analyze, buffers, format json) " + command.CommandText;
        var json = (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        return new QueryPlan(JsonNode.Parse(json)![0]!["Plan"]!);
    }

    private static IEnumerable<string> Lines(JsonNode node, int depth) =>
        (node["Plans"]?.AsArray() ?? []).SelectMany(child => Lines(child!, depth + 1)).Prepend(string.Create(
            CultureInfo.InvariantCulture,
            $"{new string(' ', 2 * depth)}{node["Subplan Name"]} {node["Node Type"]} {node["Index Name"] ?? node["Relation Name"]} rows {node["Actual Rows"]}×{node["Actual Loops"]} pages {node["Shared Hit Blocks"]} {node["Index Cond"]} dropped {node["Rows Removed by Filter"]} heap {node["Heap Fetches"]} {node["Actual Total Time"]} ms"));

    private static IEnumerable<JsonNode> Nodes(JsonNode node) =>
        (node["Plans"]?.AsArray() ?? []).SelectMany(child => Nodes(child!)).Prepend(node);
}
