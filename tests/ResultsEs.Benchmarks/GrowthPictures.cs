using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace ResultsEs.Benchmarks;

/// <summary>The charts of a growth run as PNG files: figures from zero, what grows by powers of ten.</summary>
internal static class GrowthPictures
{
    private const int Width = 900;
    private const int Height = 500;

    public static void Save(IEnumerable<GrowthChart> charts, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var chart in charts)
        {
            using var plot = Of(chart);
            plot.SavePng(Path.Combine(folder, $"{chart.Name}.png"), Width, Height);
        }
    }

    private static Plot Of(GrowthChart chart)
    {
        var plot = new Plot();
        foreach (var line in chart.Lines)
        {
            var scatter = plot.Add.Scatter(line.Points.Select(point => Math.Log10(point.X)).ToArray(), line.Points.Select(point => point.Figure.Median).ToArray());
            (scatter.LegendText, scatter.LineWidth, scatter.MarkerSize) = (line.Name, 2, 8);
        }

        // ScottPlot has no logarithmic axis: the places are logarithms, the labels are what they stand for.
        var places = chart.Lines.SelectMany(line => line.Points).Select(point => point.X).Distinct().Order().ToArray();
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. places.Select(place => Math.Log10(place))], [.. places.Select(place => place.ToString("N0", CultureInfo.InvariantCulture))]);
        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = value => value.ToString("#,0.##", CultureInfo.InvariantCulture) };
        plot.Title(chart.Title);
        plot.XLabel($"{chart.Of}, logarithmic");
        plot.YLabel(chart.Unit);
        plot.Axes.SetLimitsY(0, chart.Lines.SelectMany(line => line.Points).Max(point => point.Figure.Median) * 1.1);
        plot.ShowLegend(Edge.Bottom);
        plot.Font.Set("DejaVu Sans");
        return plot;
    }
}
