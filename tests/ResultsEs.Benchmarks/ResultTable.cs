using System.Globalization;
using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>What one contestant of a row reached.</summary>
/// <param name="Name">Who.</param>
/// <param name="Rates">So much a second, a figure a round.</param>
/// <param name="PeakBytes">The most memory that its process had resident in any round.</param>
internal sealed record Contestant(string Name, IReadOnlyList<double> Rates, long PeakBytes)
{
    /// <summary>What counts.</summary>
    public double Median => Rates.Order().Skip((Rates.Count - 1) / 2).Take(2 - (Rates.Count % 2)).Average();
}

/// <summary>A row of the table: the floor first, the project second, then whom else a user could pick.</summary>
internal sealed record ResultRow(string Name, string Unit, double? Goal, IReadOnlyList<Contestant> Contestants);

/// <summary>The table of a run, for people and as JSON.</summary>
internal sealed class ResultTable
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly List<ResultRow> _rows = [];

    public void Add(ResultRow row) => _rows.Add(row);

    /// <summary>Prints a line a contestant: its median, the ratio to the floor, and how far its rounds lie apart.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine("| row | who | a second (median) | ratio to the floor | lowest–highest | peak memory |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach (var row in _rows)
        {
            var floor = row.Contestants[0].Median;
            foreach (var who in row.Contestants)
            {
                var goal = who == row.Contestants[1] && row.Goal is { } wanted ? string.Create(CultureInfo.InvariantCulture, $" (goal {wanted:F1})") : "";
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {row.Name} | {who.Name} | {who.Median:N0} {row.Unit} | {who.Median / floor:F2}{goal} | {who.Rates.Min():N0}–{who.Rates.Max():N0} | {who.PeakBytes >> 20} MiB |"));
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(_rows, Indented);
}
