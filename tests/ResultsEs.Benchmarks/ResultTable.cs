using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ResultsEs.Benchmarks;

/// <summary>What one contestant of a row reached.</summary>
/// <param name="Name">Who.</param>
/// <param name="Values">A figure a round, in the row's unit.</param>
/// <param name="PeakBytes">The most memory that its process had resident in any round; 0 where that was not looked at.</param>
internal sealed record Contestant(string Name, IReadOnlyList<double> Values, long PeakBytes = 0)
{
    /// <summary>What counts.</summary>
    public double Median => MedianOf(Values);

    /// <summary>The one in the middle, or between the two in the middle.</summary>
    public static double MedianOf(IReadOnlyCollection<double> values) => values.Order().Skip((values.Count - 1) / 2).Take(2 - (values.Count % 2)).Average();
}

/// <summary>What the project is to reach, as a ratio to the first contestant, or as a figure of its own.</summary>
/// <param name="AtLeast">At least this.</param>
/// <param name="AtMost">At most this.</param>
/// <param name="IsRatio">Whether it is of the ratio, or of the figure.</param>
internal sealed record Goal(double? AtLeast, double? AtMost, bool IsRatio = true)
{
    /// <summary>Whether it is reached, to two decimals.</summary>
    public bool IsReached(double median, double ratio) => (IsRatio ? ratio : median) is var value && (AtLeast is null || Math.Round(value, 2) >= AtLeast) && (AtMost is null || Math.Round(value, 2) <= AtMost);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(AtLeast is null ? "≤" : "≥")} {AtLeast ?? AtMost}");
}

/// <summary>A row of the table: the floor first, the project second, then whom else a user could pick.</summary>
/// <param name="Name">The row, as docs/performance.md names it.</param>
/// <param name="Work">What is measured.</param>
/// <param name="Unit">Of the figures: <c>requests/s</c>, <c>events/s</c>, <c>ms</c>, <c>MiB</c>.</param>
/// <param name="Goal">The project's; null where there is none.</param>
/// <param name="Contestants">Who.</param>
internal sealed record ResultRow(string Name, string Work, string Unit, Goal? Goal, IReadOnlyList<Contestant> Contestants)
{
    /// <summary>The ratio of a contestant to the first: the median of those of each round, because what else the machine does lasts longer than a turn and meets both.</summary>
    public double RatioOf(Contestant who) => Contestant.MedianOf([.. who.Values.Zip(Contestants[0].Values, (value, first) => value / first)]);
}

/// <summary>The table of a run, for people and as JSON.</summary>
internal sealed class ResultTable
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly List<ResultRow> _rows = [];

    public void Add(ResultRow row) => _rows.Add(row);

    /// <summary>Prints a line a contestant: its median, the median ratio to the floor, and how far its rounds lie apart.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine("| row | who | median | ratio | goal | lowest–highest | peak memory |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var row in _rows)
        {
            for (var i = 0; i < row.Contestants.Count; i++)
            {
                var who = row.Contestants[i];
                var goal = i == 1 && row.Goal is { } wanted ? $"{wanted} {(wanted.IsReached(who.Median, row.RatioOf(who)) ? "reached" : "missed")}" : "";
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {(i == 0 ? $"{row.Name} {row.Work}" : "")} | {who.Name} | {Number(who.Median)} {row.Unit} | {row.RatioOf(who):F2} | {goal} | {Number(who.Values.Min())}–{Number(who.Values.Max())} | {(who.PeakBytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{who.PeakBytes >> 20} MiB"))} |"));
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(_rows.Select(row => new
    {
        row.Name,
        row.Work,
        row.Unit,
        Goal = row.Goal?.ToString(),
        Contestants = row.Contestants.Select(who => new { who.Name, who.Values, who.Median, Ratio = row.RatioOf(who), PeakBytes = who.PeakBytes == 0 ? (long?)null : who.PeakBytes }),
    }), Indented);

    private static string Number(double value) => value.ToString(value < 100 ? "N1" : "N0", CultureInfo.InvariantCulture);
}
