using Microsoft.Extensions.Time.Testing;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

public sealed class RateLimitWindowsTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly RateLimitPolicy _three = new("default", 3);

    [Fact]
    public void As_many_as_permitted_pass_and_then_none_until_the_window_ends()
    {
        var windows = new RateLimitWindows(_clock, 10);
        var told = new List<(bool, int, int)>();
        void Take()
        {
            var status = windows.Take("a", _three);
            told.Add((status.Allowed, status.Remaining, status.ResetSeconds));
        }

        Take();
        _clock.Advance(TimeSpan.FromSeconds(17.5));
        Take();
        Take();
        Take();
        _clock.Advance(TimeSpan.FromSeconds(42.499));
        Take();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Take();

        Assert.Equal([(true, 2, 60), (true, 1, 43), (true, 0, 43), (false, 0, 43), (false, 0, 1), (true, 2, 60)], told);
    }

    [Fact]
    public void One_key_does_not_use_up_anothers_permits()
    {
        var windows = new RateLimitWindows(_clock, 10);
        for (var i = 0; i < 5; i++)
            windows.Take("a", _three);

        Assert.Equal(new RateLimitStatus(_three, 2, 60, Allowed: true), windows.Take("b", _three));
    }

    [Fact]
    public void Looking_takes_nothing()
    {
        var windows = new RateLimitWindows(_clock, 10);
        var before = windows.Peek("a", _three);
        windows.Take("a", _three);

        Assert.Equal(
            [new(_three, 3, 60, Allowed: true), new(_three, 2, 60, Allowed: true), new(_three, 2, 60, Allowed: true)],
            new[] { before, windows.Peek("a", _three), windows.Peek("a", _three) });
    }

    [Fact]
    public void Exactly_the_permitted_number_passes_from_many_threads_in_every_window()
    {
        const int Permits = 5_000;
        var windows = new RateLimitWindows(_clock, 10);
        var policy = new RateLimitPolicy("default", Permits);

        for (var window = 0; window < 5; window++)
        {
            var passed = 0;
            var remaining = new int[Permits];
            InParallel(() =>
            {
                for (var i = 0; i < Permits; i++)
                {
                    var status = windows.Take("a", policy);
                    if (!status.Allowed)
                        continue;
                    Interlocked.Increment(ref passed);
                    Interlocked.Increment(ref remaining[status.Remaining]);
                }
            });

            // Each number of remaining requests was told once: nobody was told the same as another.
            Assert.Equal(Permits, passed);
            Assert.All(remaining, told => Assert.Equal(1, told));
            _clock.Advance(Minute);
        }
    }

    [Fact]
    public void Exactly_the_permitted_number_passes_while_idle_windows_are_dropped()
    {
        var windows = new RateLimitWindows(_clock, 10);
        for (var round = 0; round < 2_000; round++)
        {
            windows.Take("a", _three);
            // The window has ended and the sweep is due: it races with the requests that want the same key again.
            _clock.Advance(Minute);

            var passed = 0;
            Parallel.For(0, 8, _ =>
            {
                if (windows.Take("a", _three).Allowed)
                    Interlocked.Increment(ref passed);
            });

            Assert.Equal((3, 1), (passed, windows.Keys));
            _clock.Advance(Minute);
        }
    }

    [Fact]
    public void Idle_windows_are_dropped()
    {
        var windows = new RateLimitWindows(_clock, 1_000);
        for (var i = 0; i < 500; i++)
            windows.Take($"address {i}", _three);
        var held = windows.Keys;

        _clock.Advance(Minute + Minute);
        windows.Take("a", _three);

        Assert.Equal((500, 1), (held, windows.Keys));
    }

    [Fact]
    public void Beyond_the_bound_newcomers_share_a_window_and_the_known_keep_theirs()
    {
        var windows = new RateLimitWindows(_clock, 2);
        windows.Take("a", _three);
        windows.Take("b", _three);

        var newcomers = Enumerable.Range(0, 4).Select(i => windows.Take($"new {i}", _three).Allowed).ToList();

        Assert.Equal([true, true, true, false], newcomers);
        Assert.Equal((1, 3), (windows.Take("a", _three).Remaining, windows.Keys));
    }

    private static void InParallel(Action work)
    {
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() => work())).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }
}
