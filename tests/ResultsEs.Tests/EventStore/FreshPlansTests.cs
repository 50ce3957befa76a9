using ResultsEs.EventStore;

namespace ResultsEs.Tests.EventStore;

public sealed class FreshPlansTests
{
    [Fact]
    public void Plans_are_made_again_whenever_a_connection_has_been_used_twice_as_often() =>
        Assert.Equal([8, 16, 32, 64, 128, 256, 512], Enumerable.Range(1, 1_000).Where(FreshPlans.IsDue));
}
