using ResultsEs.Common;

namespace ResultsEs.Tests.Common;

public sealed class BackoffTests
{
    private static readonly Backoff Delays = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 200)]
    [InlineData(4, 800)]
    [InlineData(5, 1_000)]
    [InlineData(int.MaxValue, 1_000)]
    public void A_delay_doubles_up_to_the_longest_and_chance_takes_up_to_half_of_it(int attempt, double most)
    {
        var delays = Enumerable.Range(0, 200).Select(_ => Delays.After(attempt).TotalMilliseconds).ToList();

        Assert.All(delays, delay => Assert.InRange(delay, most / 2, most));
        Assert.True(delays.Distinct().Count() > 100, "Chance has no part in it.");
    }
}
