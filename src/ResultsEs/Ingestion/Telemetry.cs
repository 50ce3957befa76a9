using System.Diagnostics;
using System.Diagnostics.Metrics;
using ResultsEs.Common;
using ResultsEs.EventStore;

namespace ResultsEs.Ingestion;

/// <summary>What is counted and traced of events and their commits.</summary>
internal static class Telemetry
{
    /// <summary>What stands for a type that is not known, so that senders cannot make new series.</summary>
    public const string Other = "_OTHER";

    // One commit serves many requests and events; a trace shows the first of them.
    private const int MaxLinks = 32;

    private static readonly Counter<long> Events = Instruments.Meter.CreateCounter<long>("results.events", "{event}", "Events that were sent, by type and outcome: accepted, duplicate or rejected.");
    private static readonly Histogram<double> CommitDuration = Instruments.Meter.CreateHistogram(
        "results.commit.duration",
        "s",
        "How long a commit of events and documents took, attempts that met another writer included.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    private static readonly Histogram<long> CommitEvents = Instruments.Meter.CreateHistogram(
        "results.commit.events",
        "{event}",
        "How many events a commit held.",
        advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000] });

    /// <summary>Counts events that are stored.</summary>
    public static void Stored(IReadOnlyList<IncomingEvent> events, IReadOnlyList<bool> duplicates)
    {
        if (!Events.Enabled)
            return;

        for (var i = 0; i < events.Count; i++)
            Count(events[i].Type.WireType, duplicates[i] ? "duplicate" : "accepted", 1);
    }

    /// <summary>Counts events that are refused: those that could be read, and how many could not.</summary>
    public static void Rejected(IReadOnlyList<IncomingEvent> events, int unread = 0)
    {
        if (!Events.Enabled)
            return;

        foreach (var incoming in events)
            Count(incoming.Type.WireType, "rejected", 1);
        if (unread > 0)
            Count(Other, "rejected", unread);
    }

    /// <summary>
    /// Begins the span of a commit that serves these requests. A commit of one request belongs to its trace; one of several has a trace of its own, with links to theirs and to those that
    /// the events name.
    /// </summary>
    public static Commit BeginCommit(IReadOnlyList<ActivityContext> requests, IEnumerable<IncomingEvent> events)
    {
        // Whoever began this committer is not what it works for.
        Activity.Current = null;
        if (!Instruments.Spans.HasListeners())
            return new Commit(null, []);

        var senders = events.Select(incoming => incoming.TraceParent).OfType<string>().Distinct(StringComparer.Ordinal).Take(MaxLinks)
            .Select(text => ActivityContext.TryParse(text, null, isRemote: true, out var context) ? context : default)
            .Where(context => context != default)
            .ToList();
        var activity = Instruments.Spans.StartActivity(
            "commit events",
            ActivityKind.Internal,
            requests.Count == 1 ? requests[0] : default,
            links: requests.Take(requests.Count == 1 ? 0 : MaxLinks).Concat(senders).Select(context => new ActivityLink(context)));
        return new Commit(activity, senders);
    }

    /// <summary>Where the current request's span is; the default where nobody listens.</summary>
    public static ActivityContext Here => Activity.Current?.Context ?? default;

    private static void Count(string type, string outcome, long events) =>
        Events.Add(events, new KeyValuePair<string, object?>("results.event.type", type), new KeyValuePair<string, object?>("results.outcome", outcome));

    /// <summary>A commit that is under way.</summary>
    internal readonly struct Commit(Activity? activity, IReadOnlyList<ActivityContext> senders)
    {
        private readonly long _began = Stopwatch.GetTimestamp();

        /// <summary>Ends its span, and continues the senders' traces by a span of the same time.</summary>
        public void End(int events, int requests, Exception? failure)
        {
            var took = Stopwatch.GetElapsedTime(_began);
            if (failure is null)
            {
                CommitDuration.Record(took.TotalSeconds);
                CommitEvents.Record(events);
            }
            else
            {
                CommitDuration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("error.type", failure.GetType().Name));
            }

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
                using var record = Instruments.Spans.StartActivity("record events", ActivityKind.Consumer, sender, links: [new ActivityLink(activity.Context)], startTime: new DateTimeOffset(activity.StartTimeUtc));
                record?.SetEndTime(activity.StartTimeUtc + activity.Duration);
            }
        }
    }
}
