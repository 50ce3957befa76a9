using System.Globalization;

namespace ResultsEs.Tests;

/// <summary>
/// How long each fuzz test looks for what breaks a reader: a bounded number of inputs by default,
/// <c>tests/run.sh --fuzz 600</c> (RESULTS_FUZZ=600) for so many seconds.
/// </summary>
internal static class Fuzz
{
    /// <summary>The seconds that each test goes on for; -1 when it ends after a number of inputs.</summary>
    public static readonly int Seconds =
        int.TryParse(Environment.GetEnvironmentVariable("RESULTS_FUZZ"), CultureInfo.InvariantCulture, out var seconds) ? seconds : -1;
}
