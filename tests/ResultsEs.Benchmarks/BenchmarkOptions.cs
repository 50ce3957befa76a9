namespace ResultsEs.Benchmarks;

/// <summary>What is measured, and how often.</summary>
internal sealed record BenchmarkOptions
{
    /// <summary>How many events are stored before something is measured on them.</summary>
    public int Events { get; init; } = 500_000;

    /// <summary>How often each contestant runs, one after the other, so that what else the machine does meets all of them; medians count.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>How often each contestant of a row runs that is measured once in a round, where fewer than <paramref name="least"/> say little; once is to see that it runs.</summary>
    public int RoundsOf(int least = 5) => Rounds == 1 ? 1 : Math.Max(Rounds, least);

    /// <summary>A file for the table as JSON.</summary>
    public string? Json { get; init; }

    /// <summary>A folder for the charts of a growth run.</summary>
    public string? Charts { get; init; }
}
