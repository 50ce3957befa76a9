using System.Diagnostics;
using System.Diagnostics.Metrics;
using ResultsEs.EventStore;
using ResultsEs.Hosting;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.TestResults;

namespace ResultsEs.Common;

/// <summary>
/// The service's own instruments and spans. Names and units follow OpenTelemetry's semantic conventions (https://opentelemetry.io/docs/specs/semconv/general/naming/). No tag tells an account, a
/// session or a person. Where nobody listens they cost next to nothing.
/// </summary>
internal static class Telemetry
{
    /// <summary>The name of the source of spans, and of the meter.</summary>
    public const string Name = "ResultsEs";

    /// <summary>What stands for a type that is not known, so that senders cannot make new series.</summary>
    public const string Other = "_OTHER";

    // One commit serves many requests and events; a trace shows the first of them.
    private const int MaxLinks = 32;

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Events = Meter.CreateCounter<long>("results.events", "{event}", "Events that were sent, by type and outcome: accepted, duplicate or rejected.");
    private static readonly Histogram<double> CommitDuration = Meter.CreateHistogram(
        "results.commit.duration",
        "s",
        "How long a commit of events and documents took, attempts that met another writer included.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    private static readonly Histogram<long> CommitEvents = Meter.CreateHistogram(
        "results.commit.events",
        "{event}",
        "How many events a commit held.",
        advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000] });

    private static readonly Counter<long> Alone = Meter.CreateCounter<long>("results.limits.alone", "{request}", "Requests that a node counted by itself, because Redis did not answer.");

    /// <summary>Makes the gauges, which show what <paramref name="state"/> last saw and what <paramref name="reads"/> knows of its standbys.</summary>
    public static void Observe(DatabaseState state, ReadDatabase reads)
    {
        Meter.CreateObservableGauge("results.projection.lag", () => state.LagSeconds, "s", "How long the session has waited that waits longest to be counted in the totals of its test.");
        Meter.CreateObservableGauge("results.standby.lag", () => reads.LagSeconds, "s", "How far the standby is behind that is furthest behind, of those that reads may go to; 0 where there is none.");
        Meter.CreateObservableGauge("results.dead_letters", () => state.DeadLetters, "{message}", "Messages of the queue that could not be stored.");
        Meter.CreateObservableGauge("results.rebuild.folded", () => state.RebuildFolded, "{event}", "Events that the rebuild under way has folded.");
        Meter.CreateObservableGauge("results.rebuild.expected", () => state.RebuildTotal, "{event}", "Events that the rebuild under way has to fold; 0 while there is none.");
    }

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
        if (!Source.HasListeners())
            return new Commit(null, []);

        var senders = events.Select(incoming => incoming.TraceParent).OfType<string>().Distinct(StringComparer.Ordinal).Take(MaxLinks)
            .Select(text => ActivityContext.TryParse(text, null, isRemote: true, out var context) ? context : default)
            .Where(context => context != default)
            .ToList();
        var activity = Source.StartActivity(
            "commit events",
            ActivityKind.Internal,
            requests.Count == 1 ? requests[0] : default,
            links: requests.Take(requests.Count == 1 ? 0 : MaxLinks).Concat(senders).Select(context => new ActivityLink(context)));
        return new Commit(activity, senders);
    }

    /// <summary>Where the current request's span is; the default where nobody listens.</summary>
    public static ActivityContext Here => Activity.Current?.Context ?? default;

    /// <summary>Begins the span of a message of the queue.</summary>
    public static Activity? BeginDelivery() => Source.StartActivity("process " + RabbitMqOptions.Queue, ActivityKind.Consumer, default(ActivityContext), [new("messaging.system", "rabbitmq"), new("messaging.operation.type", "process"), new("messaging.destination.name", RabbitMqOptions.Queue)]);

    /// <summary>Begins the span of what changes the totals of tests, so that its statements are one trace.</summary>
    public static Activity? BeginTotals() => Source.StartActivity("update totals");

    /// <summary>Counts a request that went against this node's own limits where nodes should share them.</summary>
    public static void LimitedAlone() => Alone.Add(1);

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
                using var record = Source.StartActivity("record events", ActivityKind.Consumer, sender, links: [new ActivityLink(activity.Context)], startTime: new DateTimeOffset(activity.StartTimeUtc));
                record?.SetEndTime(activity.StartTimeUtc + activity.Duration);
            }
        }
    }
}
