using System.Diagnostics;
using System.Globalization;
using System.Net;
using ResultsEs.Http;
using ResultsEs.Summaries;

namespace ResultsEs.Benchmarks;

/// <summary>
/// E1/lists: a page of the tests of a workspace that has 3,001, and of the sessions of one that has 100,000: the first page, one in the middle, some that are filtered, and some for which all that one request may look at is looked at. One request at a time.
/// </summary>
internal static class SummaryLists
{
    private const string Name = $"{SummaryRow.Name}/lists";
    private const int Times = 50;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(HttpClient http, Guid test, BenchmarkOptions options, CancellationToken cancellation)
    {
        var pages = Pages(test);
        var (medians, slowest) = (pages.Select(_ => new List<double>()).ToList(), pages.Select(_ => new List<double>()).ToList());
        // The first round warms up.
        for (var round = 0; round <= options.RoundsOf(); round++)
        {
            foreach (var (at, (_, path)) in pages.Index())
            {
                var times = new List<double>();
                for (var i = 0; i < Times; i++)
                    times.Add(await AskAsync(http, path, cancellation));
                if (round == 0)
                    continue;
                medians[at].Add(Contestant.MedianOf(times));
                slowest[at].Add(times.Max());
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round}, {pages[at].What}: median {medians[at][^1]:N1} ms, slowest {slowest[at][^1]:N1} ms"));
            }
        }

        return
        [
            new ResultRow(Name, $"a page of the tests, or of the sessions of a test that has 100,000; median of {Times}", "ms", Goal: null, [.. pages.Select((page, at) => new Contestant(page.What, medians[at]))]),
            new ResultRow($"{Name}/slowest", $"the slowest of {Times} of each", "ms", new Goal(AtLeast: null, AtMost: SummaryRow.MostMs, IsRatio: false),
                [
                    new("the medians, mean", [.. Rounds(medians, round => round.Average())]),
                    new("the slowest of all", [.. Rounds(slowest, round => round.Max())]),
                ]),
        ];
    }

    private static IEnumerable<double> Rounds(List<List<double>> values, Func<IEnumerable<double>, double> of) =>
        Enumerable.Range(0, values[0].Count).Select(round => of(values.Select(page => page[round])));

    private static List<(string What, string Path)> Pages(Guid test)
    {
        var middleOfTests = new Cursor(SummaryRow.Begin.AddMinutes(1_500).Ticks, Guid.AllBitsSet, Guid.AllBitsSet, TotalCount: 0).Write("tests ");
        var middle = new Cursor(SummaryRow.Begin.AddSeconds(78 * 50_000).Ticks, Guid.AllBitsSet, default, TotalCount: 0).Write($"sessions of {test} {new SummaryFilter().Name}");
        var (tests, sessions) = ("/api/v3/testResults", $"/api/v3/testResults/{test}/sessions");
        return
        [
            ("GET testResults, first page", tests),
            ("GET testResults, in the middle", $"{tests}?after={middleOfTests}"),
            ("GET testResults?q, every 30th", $"{tests}?q=test%2029"),
            ("GET testResults?q, none of 2,000", $"{tests}?q=nothing"),
            ("GET …/sessions, first page", sessions),
            ("GET …/sessions, in the middle", $"{sessions}?after={middle}"),
            ("GET …/sessions, every 10th", $"{sessions}?status=COMPLETE&demographic=C3:V27"),
            ("GET …/sessions, of a month", $"{sessions}?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z"),
            ("GET …/sessions, every 4,096th", $"{sessions}?demographic=C1:V8&demographic=C2:V16&demographic=C3:V27&demographic=C4:V32"),
        ];
    }

    private static async Task<double> AskAsync(HttpClient http, string path, CancellationToken cancellation)
    {
        var begin = Stopwatch.GetTimestamp();
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), cancellation);
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancellation);
        var time = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return answer.StatusCode == HttpStatusCode.OK && bytes.Length > 0 ? time : throw new InvalidOperationException($"{path} has answered {answer.StatusCode}.");
    }
}
