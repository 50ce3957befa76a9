using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>The metrics and spans of incoming events and of their commits.</summary>
internal static class Telemetry
{
    // Stands for every unknown event type, so that senders cannot create new series.
    private const string OtherType = "_OTHER";

    // One commit serves many requests and events; a trace links to the first of them.
    private const int MaxLinks = 32;

    private static readonly Counter<long> Events = Instruments.Meter.CreateCounter<long>(
        "results.events", "{event}", "Events that were sent, by type and outcome: accepted, duplicate or rejected.");

    private static readonly Histogram<double> CommitDuration = Instruments.Meter.CreateHistogram(
        "results.commit.duration", "s",
        "How long a commit of events and documents took, attempts that met another writer included.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        });

    private static readonly Histogram<long> CommitEvents = Instruments.Meter.CreateHistogram(
        "results.commit.events", "{event}", "How many events a commit held.",
        advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000] });

    public static void Stored(IReadOnlyList<IncomingEvent> events, IReadOnlyList<bool> duplicates)
    {
        if (!Events.Enabled)
            return;

        foreach (var (incoming, isDuplicate) in events.Zip(duplicates))
            Count(incoming.Type.WireType, isDuplicate ? "duplicate" : "accepted", 1);
    }

    /// <summary>Counts refused events: those that were read, and the number of those that could not be.</summary>
    public static void Rejected(IReadOnlyList<IncomingEvent> events, int unread = 0)
    {
        foreach (var incoming in events)
            Count(incoming.Type.WireType, "rejected", 1);
        if (unread > 0)
            Count(OtherType, "rejected", unread);
    }

    /// <summary>
    /// Begins the span of a commit. The commit of one request belongs to that request's trace.
    /// A shared commit has a trace of its own, with links to the requests' traces and to those that the events name.
    /// </summary>
    public static Commit BeginCommit(IReadOnlyList<ActivityContext> requests, IEnumerable<IncomingEvent> events)
    {
        // The committer runs for many requests, not only for the one that started it.
        Activity.Current = null;
        if (!Instruments.Spans.HasListeners())
            return new Commit(null, []);

        var senders = events.Select(incoming => incoming.TraceParent).OfType<string>().Distinct(StringComparer.Ordinal).Take(MaxLinks)
            .Select(text => ActivityContext.TryParse(text, null, isRemote: true, out var context) ? context : default)
            .Where(context => context != default)
            .ToList();
        var activity = Instruments.Spans.StartActivity(
            "commit events", ActivityKind.Internal, requests.Count == 1 ? requests[0] : default,
            links: requests.Take(requests.Count == 1 ? 0 : MaxLinks).Concat(senders).Select(context => new ActivityLink(context)));
        return new Commit(activity, senders);
    }

    private static void Count(string type, string outcome, long events) =>
        Events.Add(events, new("results.event.type", type), new("results.outcome", outcome));

    /// <summary>The metrics and span of a commit that has begun.</summary>
    internal readonly struct Commit(Activity? activity, IReadOnlyList<ActivityContext> senders)
    {
        private readonly long _began = Stopwatch.GetTimestamp();

        /// <summary>Ends the span. Each sender's trace gets a span of the same time.</summary>
        public void End(int events, int requests, Exception? failure)
        {
            var seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds;
            CommitDuration.Record(seconds, failure is null ? default : new TagList { { "error.type", failure.GetType().Name } });
            if (failure is null)
                CommitEvents.Record(events);
            if (activity is null)
                return;

            activity.SetTag("results.commit.events", events);
            activity.SetTag("results.commit.requests", requests);
            if (failure is not null)
            {
                activity.SetStatus(ActivityStatusCode.Error);
                activity.SetTag("error.type", failure.GetType().Name);
            }

            activity.Stop();
            foreach (var sender in senders)
            {
                using var record = Instruments.Spans.StartActivity(
                    "record events", ActivityKind.Consumer, sender,
                    links: [new ActivityLink(activity.Context)], startTime: new DateTimeOffset(activity.StartTimeUtc));
                record?.SetEndTime(activity.StartTimeUtc + activity.Duration);
            }
        }
    }
}
