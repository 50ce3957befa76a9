using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>
/// Counts stored events whose <c>time</c> lies more than <see cref="EventOrder.MostAhead"/> after the database's, and logs each of their
/// sources once. Such events give way to all others (<see cref="EventOrder.IsAhead"/>).
/// </summary>
internal sealed partial class AheadClocks(ILogger<AheadClocks> logger)
{
    // Senders choose the names of sources.
    private const int MaxSources = 1_000;

    private static readonly Counter<long> Events = Instruments.Meter.CreateCounter<long>(
        "results.events.ahead", "{event}", "Stored events whose time lay more than a day after the database's.");

    private readonly ConcurrentDictionary<(Guid Account, string Source), byte> _logged = new();

    /// <summary>Notes events that were stored at a moment of the database's clock.</summary>
    public void Note(Guid account, IEnumerable<IncomingEvent> events, DateTimeOffset stored)
    {
        foreach (var incoming in events)
        {
            if (!EventOrder.Of(incoming.Time, incoming.Id, stored).IsAhead)
                continue;

            Events.Add(1);
            if (_logged.Count < MaxSources && _logged.TryAdd((account, incoming.Source), 0))
                LogAhead(logger, incoming.Source, account, incoming.Id, incoming.Time);
        }
    }

    [LoggerMessage(
        402, LogLevel.Warning,
        "The clock of {Source}, account {Account}, is more than a day ahead: event {Event} has the time {Time:O}. "
        + "Its events are stored, but replace no others; further ones of it are only counted")]
    private static partial void LogAhead(ILogger logger, string source, Guid account, Guid @event, DateTimeOffset time);
}
