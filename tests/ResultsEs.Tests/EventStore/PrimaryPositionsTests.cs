using NpgsqlTypes;
using ResultsEs.EventStore;

namespace ResultsEs.Tests.EventStore;

/// <summary>How old what a standby shows is, by what is remembered of the primary.</summary>
public sealed class PrimaryPositionsTests
{
    private const int Hour = 3_600;

    private readonly PrimaryPositions _positions = new(TimeProvider.System);

    [Fact]
    public void A_standby_shows_what_the_primary_had_at_the_newest_place_that_it_has_replayed()
    {
        See(second: 1, place: 100);
        See(second: 2, place: 200);
        See(second: 3, place: 300);

        Assert.Equal((1, 1, 2, 3, 3), (ShownBy(100), ShownBy(199), ShownBy(200), ShownBy(300), ShownBy(350)));
    }

    [Fact]
    public void A_primary_where_nothing_happens_ages_nobody()
    {
        See(second: 1, place: 100);
        See(second: 50, place: 100);

        Assert.Equal(50, ShownBy(100));
    }

    [Fact]
    public void Of_a_standby_that_has_replayed_no_remembered_place_nothing_is_known()
    {
        Assert.Null(ShownBy(100));
        Assert.Null(_positions.Follows(At(100)));

        See(second: 1, place: 200);
        See(second: Hour + 2, place: 300);

        Assert.Null(ShownBy(250));
        Assert.Equal(Hour + 2, ShownBy(300));
    }

    [Fact]
    public void Places_of_another_history_or_another_cluster_are_not_compared()
    {
        See(second: 1, place: 100);
        Assert.Equal((null, null), (ShownBy(500, timeline: 2), ShownBy(500, cluster: 2)));
        Assert.Equal((true, false, false), (_positions.Follows(At(500)), _positions.Follows(At(500, timeline: 2)), _positions.Follows(At(500, cluster: 2))));

        // The primary was replaced by a standby that had less.
        _positions.Add(Look(2, At(90, timeline: 2)));
        Assert.Equal((null, 2), (ShownBy(100), ShownBy(90, timeline: 2)));
    }

    [Fact]
    public void A_primary_that_lost_the_end_of_its_log_is_looked_at_afresh()
    {
        See(second: 1, place: 100);
        See(second: 2, place: 200);
        See(second: 3, place: 150);

        Assert.Equal((null, 3), (ShownBy(100), ShownBy(150)));
    }

    private static LogPosition At(ulong place, int timeline = 1, long cluster = 1) => new(cluster, timeline, new NpgsqlLogSequenceNumber(place));

    private void See(int second, ulong place) => _positions.Add(Look(second, At(place)));

    private static PrimaryLook Look(int second, LogPosition position) =>
        new(second * TimeProvider.System.TimestampFrequency, DateTimeOffset.UnixEpoch.AddSeconds(second), position);

    private long? ShownBy(ulong place, int timeline = 1, long cluster = 1)
    {
        if (_positions.ShownBy(At(place, timeline, cluster)) is not { } look)
            return null;

        // Moment and time are of one look.
        Assert.Equal(look.Moment / TimeProvider.System.TimestampFrequency, look.CompleteTo.ToUnixTimeSeconds());
        return look.CompleteTo.ToUnixTimeSeconds();
    }
}
