using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>A figure of the growth run. Several lines may show the same one.</summary>
/// <param name="measure">Measures it once.</param>
internal sealed class GrowthFigure(Func<Task<double>> measure)
{
    private readonly List<double> _values = [];

    /// <summary>A value a pass.</summary>
    public IReadOnlyList<double> Values => _values;

    /// <summary>What counts.</summary>
    public double Median => new Contestant("", _values).Median;

    /// <summary>Measures it once more.</summary>
    public async Task MeasureAsync() => _values.Add(await measure());
}

/// <summary>A figure at its place on the x axis.</summary>
internal sealed record GrowthPoint(int X, GrowthFigure Figure);

/// <summary>A line of a chart.</summary>
internal sealed record GrowthLine(string Name, IReadOnlyList<GrowthPoint> Points);

/// <summary>A chart.</summary>
/// <param name="Name">Of its file, without an extension.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Of">What grows.</param>
/// <param name="Unit">Of the figures.</param>
/// <param name="Lines">Its lines.</param>
internal sealed record GrowthChart(string Name, string Title, string Of, string Unit, IReadOnlyList<GrowthLine> Lines);

/// <summary>
/// The growth run: how R1, W1 and the latency of an append change with what is stored, with the length of a session and with the number of connections. The project alone is measured, so the figures
/// are of the machine it runs on; how they lie to each other is not. Points take turns, pass by pass, and medians count.
/// </summary>
internal static class Growth
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "growth";

    private const int Passes = 3;
    private const int Connections = 16;
    private const int Appends = 200;
    private const int AppendsBefore = 50;

    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    // As many sessions as the appends of all passes need to make none of them much longer.
    private static readonly IReadOnlyList<(int Events, int Sessions)> Lengths = [(10, Passes * (Appends + AppendsBefore)), (1_000, 16), (5_000, 8)];

    public static async Task RunAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var many = GrowthRow.EventsOf(options) / Sessions.EventsPerSession;
        var sizes = new[] { Math.Max(1, many / 100), Math.Max(1, many / 10), many };
        var groups = LongGroup.Of(Lengths);

        // Many stay many, whatever is written; few would not stay few.
        await using var few = await DrivenService.StartAsync(await postgres.FilledAsync(sizes[0], cancellation), isRestored: true, cancellation);
        await using var some = await DrivenService.StartAsync(await postgres.FilledAsync(sizes[1], cancellation), isRestored: true, cancellation);
        await using var most = await DrivenService.StartAsync(await postgres.FilledAsync(sizes[2], cancellation), isRestored: false, cancellation);
        var lengths = await postgres.CreateDatabaseAsync("growth_lengths", cancellation);
        await Fill.WithAsync(lengths, groups.SelectMany(group => group.Lines()), cancellation);
        await using var ofLengths = await DrivenService.StartAsync(lengths, isRestored: false, cancellation);

        var reads = new[] { few, some, most }.Select(service => Read(service, Connections)).ToArray();
        var writes = new[] { few, some, most }.Select(service => Write(service, Connections)).ToArray();
        var connections = new[] { 1, Connections, 64, 256 };
        GrowthChart[] charts =
        [
            new("growth-stored-events", $"Requests and stored events ({Connections} connections)", "stored events", "requests/s",
            [
                new("R1: read one result", [.. sizes.Select((sessions, i) => new GrowthPoint(sessions * Sessions.EventsPerSession, reads[i]))]),
                new("W1: write one event", [.. sizes.Select((sessions, i) => new GrowthPoint(sessions * Sessions.EventsPerSession, writes[i]))]),
            ]),
            new("growth-session-length-reads", $"Reads and the length of a session ({Connections} connections)", "events of the session", "requests/s", LinesOf("R1", group => new GrowthFigure(() => group.ReadAsync(ofLengths, Connections, WarmUp, Duration, cancellation)))),
            new("growth-session-length-appends", "An append and the length of a session (1 connection)", "events of the session", "ms", LinesOf("append", group => new GrowthFigure(() => group.AppendAsync(ofLengths, AppendsBefore, Appends, WarmUp, Duration, cancellation)))),
            new("growth-connections", string.Create(CultureInfo.InvariantCulture, $"Requests and connections ({sizes[1] * Sessions.EventsPerSession:N0} stored events)"), "connections", "requests/s",
            [
                new("R1: read one result", [.. connections.Select(count => new GrowthPoint(count, count == Connections ? reads[1] : Read(some, count)))]),
                new("W1: write one event", [.. connections.Select(count => new GrowthPoint(count, count == Connections ? writes[1] : Write(some, count)))]),
            ]),
        ];

        var figures = charts.SelectMany(chart => chart.Lines).SelectMany(line => line.Points).Select(point => point.Figure).Distinct().ToArray();
        var passes = Math.Min(options.Rounds, Passes);
        for (var pass = 0; pass < passes; pass++)
        {
            var watch = Stopwatch.StartNew();
            foreach (var figure in figures)
                await figure.MeasureAsync();
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Growth, pass {pass + 1} of {passes} took {watch.Elapsed.TotalSeconds:F0} s"));
        }

        Print(charts, Console.Out);
        if (options.Json is { } file)
            await File.WriteAllTextAsync(file, ToJson(charts), cancellation);
        if (options.Charts is { } folder)
            GrowthPictures.Save(charts, folder);

        GrowthFigure Read(DrivenService service, int count) => new(() => service.ReadAsync(count, WarmUp, Duration, cancellation));

        GrowthFigure Write(DrivenService service, int count) => new(() => service.WriteAsync(count, WarmUp, Duration, cancellation));

        GrowthLine[] LinesOf(string work, Func<LongGroup, GrowthFigure> figure) =>
        [
            .. groups.GroupBy(group => group.Kind).Select(kind => new GrowthLine(
                $"{work}, {(kind.Key == LongSessionKind.Answers ? "a session of answers" : "a session of prototype interactions")}", [.. kind.Select(group => new GrowthPoint(group.Events, figure(group)))])),
        ];
    }

    private static void Print(IEnumerable<GrowthChart> charts, TextWriter output)
    {
        foreach (var chart in charts)
        {
            output.WriteLine($"\n{chart.Title}\n\n| {chart.Of} | what | median | to the first | lowest–highest |\n| --- | --- | --- | --- | --- |");
            foreach (var line in chart.Lines)
            {
                foreach (var (x, figure) in line.Points)
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {x:N0} | {line.Name} | {figure.Median:N1} {chart.Unit} | {figure.Median / line.Points[0].Figure.Median:F2} | {figure.Values.Min():N1}–{figure.Values.Max():N1} |"));
            }
        }
    }

    private static string ToJson(IEnumerable<GrowthChart> charts) => JsonSerializer.Serialize(
        charts.Select(chart => new
        {
            chart.Name,
            chart.Title,
            chart.Of,
            chart.Unit,
            Lines = chart.Lines.Select(line => new { line.Name, Points = line.Points.Select(point => new { point.X, point.Figure.Median, point.Figure.Values }) }),
        }),
        Indented);
}
