using CsCheck;
using Npgsql;
using ResultsEs.Common;

namespace ResultsEs.Tests.Common;

/// <summary>Batches whose work fails are taken apart until the items are alone that make it fail.</summary>
public sealed class TakenApartTests
{
    /// <summary>Whatever items are bad, each good one is done once and each bad one is set aside once, in few attempts.</summary>
    [Fact]
    public async Task Every_good_item_is_done_once_and_every_bad_one_set_aside_once() =>
        await Gen.Bool.Array[0, 70].SampleAsync(async isBad =>
        {
            var (done, setAside, attempts) = (new List<int>(), new List<int>(), 0);
            await TakenApart.RunAsync(
                [.. Enumerable.Range(0, isBad.Length)],
                some =>
                {
                    attempts++;
                    Assert.NotEmpty(some);
                    if (some.Any(item => isBad[item]))
                        throw new FormatException("bad");
                    done.AddRange(some);
                    return Task.CompletedTask;
                },
                (item, failure) =>
                {
                    Assert.IsType<FormatException>(failure);
                    setAside.Add(item);
                    return Task.CompletedTask;
                });

            Assert.Equal(Enumerable.Range(0, isBad.Length).Where(item => !isBad[item]), done);
            Assert.Equal(Enumerable.Range(0, isBad.Length).Where(item => isBad[item]), setAside);
            Assert.True(attempts <= 1 + (setAside.Count * 2 * (1 + Math.Log2(Math.Max(1, isBad.Length)))), $"{attempts} attempts for {setAside.Count} of {isBad.Length}");
        });

    public static TheoryData<Exception, bool> Failures => new()
    {
        { new FormatException(), true },
        { new InvalidOperationException("", new FormatException()), true },
        // jsonb beyond its limit, a value out of range, a violated constraint, a row that cannot be read.
        { Postgres("54000"), true },
        { Postgres("22003"), true },
        { Postgres("23514"), true },
        { Postgres("XX001"), true },
        // The disk is full, the server stops, a deadlock, no privilege, a missing column.
        { Postgres("53100"), false },
        { Postgres("57P01"), false },
        { Postgres("40P01"), false },
        { Postgres("42501"), false },
        { Postgres("42703"), false },
        { new NpgsqlException("cut", new IOException()), false },
        { new InvalidOperationException("", new NpgsqlException()), false },
        { new TimeoutException(), false },
        { new OperationCanceledException(), false },
        { new ObjectDisposedException("pool"), false },
        { new OutOfMemoryException(), false },
        { new AggregateException(new FormatException(), new NpgsqlException()), false },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task A_failure_that_every_item_would_meet_is_thrown_and_sets_nothing_aside(Exception failure, bool isItemsOwn)
    {
        var setAside = 0;
        var thrown = await Record.ExceptionAsync(() => TakenApart.RunAsync([1], _ => throw failure, (_, _) => Task.FromResult(setAside++)));

        Assert.Equal((isItemsOwn ? null : failure, isItemsOwn ? 1 : 0), (thrown, setAside));
    }

    private static PostgresException Postgres(string state) => new("message", "ERROR", "ERROR", state);
}
