using System.Diagnostics;

namespace ResultsEs.Benchmarks;

/// <summary>Some of <see cref="LongSessions"/> that are equally long and of one kind. Knows how many events each has; used by one caller at a time.</summary>
internal sealed class LongGroup
{
    private readonly int _first;
    private readonly int[] _events;

    // Whose turn it is.
    private int _turn;

    private LongGroup(LongSessionKind kind, int first, int sessions, int events)
    {
        (Kind, Events, _first, _events) = (kind, events, first, new int[sessions]);
        Array.Fill(_events, events);
    }

    /// <summary>What its sessions consist of.</summary>
    public LongSessionKind Kind { get; }

    /// <summary>How many events each of its sessions had to begin with.</summary>
    public int Events { get; }

    /// <summary>A group of each kind and length.</summary>
    public static IReadOnlyList<LongGroup> Of(IReadOnlyList<(int Events, int Sessions)> lengths)
    {
        var (groups, first) = (new List<LongGroup>(), 0);
        foreach (var kind in Enum.GetValues<LongSessionKind>())
        {
            foreach (var (events, sessions) in lengths)
            {
                groups.Add(new LongGroup(kind, first, sessions, events));
                first += sessions;
            }
        }

        return groups;
    }

    /// <summary>Its events as CloudEvents, to begin with.</summary>
    public IEnumerable<string> Lines() => Enumerable.Range(_first, _events.Length).SelectMany(session => LongSessions.Lines(session, Kind, Events));

    /// <summary>Reads their results.</summary>
    /// <returns>How many a second.</returns>
    public Task<double> ReadAsync(DrivenService service, int connections, TimeSpan warmUp, TimeSpan duration, CancellationToken cancellation) => service.ReadAsync(
        [.. Enumerable.Range(_first, _events.Length).Select(LongSessions.Id)], LongSessions.Lines(_first, Kind, _events[0]), connections, warmUp, duration, cancellation);

    /// <summary>Appends an event to one of them after the other.</summary>
    /// <param name="service">Where.</param>
    /// <param name="before">How many appends are not counted.</param>
    /// <param name="appends">How many are.</param>
    /// <param name="warmUp">The longest that those may take which are not counted.</param>
    /// <param name="duration">The longest that those may take which are.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The median latency in milliseconds.</returns>
    public async Task<double> AppendAsync(DrivenService service, int before, int appends, TimeSpan warmUp, TimeSpan duration, CancellationToken cancellation)
    {
        using var http = await service.ConnectAsync(1, cancellation);
        await AppendAsync(before, warmUp);
        return new Contestant("", await AppendAsync(appends, duration)).Median;

        async Task<List<double>> AppendAsync(int count, TimeSpan most)
        {
            var (took, all) = (new List<double>(), Stopwatch.StartNew());
            while (took.Count < count && (took.Count == 0 || all.Elapsed < most))
            {
                var turn = _turn++ % _events.Length;
                var line = LongSessions.Lines(_first + turn, Kind, _events[turn] + 1, first: _events[turn]++).Single();
                var watch = Stopwatch.StartNew();
                await DrivenService.AppendAsync(http, line, cancellation);
                took.Add(watch.Elapsed.TotalMilliseconds);
            }

            return took;
        }
    }
}
