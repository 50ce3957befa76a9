using ResultsEs.Operating;

namespace ResultsEs.OpenApi;

/// <summary>Examples of what operators see.</summary>
internal static class SampleOperations
{
    private static readonly DateTimeOffset Now = new(2026, 3, 6, 12, 0, 0, TimeSpan.Zero);

    public static ServiceState State { get; } = new(
        Now,
        [
            new ServingNode("results-2 1", "1.0.0", Now.AddHours(-2), Now.AddSeconds(-4)),
            new ServingNode("results-1 1", "1.0.0", Now.AddHours(-3), Now.AddSeconds(-11)),
        ],
        new ServiceLag(
            TotalsSeconds: 0.4, TotalsSessions: 3, SearchSeconds: 0.9, SummariesSeconds: 0.9, FeedSeconds: 0.02,
            WebhookMessages: 0, WebhookSeconds: 0),
        [new StandbyState(IsRead: true, LagSeconds: 0.6, Trouble: null)],
        [new RebuildUnderWay("session_result", 2, Now.AddMinutes(-3), EventsFolded: 1_200_000, EventsTotal: 4_000_000, IsServed: false)],
        new AccountState(SetAside: 0, ErasuresUnderWay: 0, WebhookMessages: 0, WebhookSeconds: 0));

    public static DeadLetter Letter { get; } = new(
        new Guid("0192f1c4-7a51-8c3e-9d7e-2b0d8c5a1f77"), Now.AddMinutes(-9), "rabbitmq-2f://queue/results.session-events",
        "invalid: [0].data.answer.score must be from 0 to 10", "application/cloudevents-batch+json", 412);

    public static DeadLetterDetails Details { get; } =
        new(Letter, new Dictionary<string, string>(StringComparer.Ordinal), "[{\"specversion\":\"1.0\"}]", IsCut: false);

    public static SetAsideEntry SetAside { get; } = new(
        "test-totals", new Guid("0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f02"), "InvalidOperationException: the stream cannot be folded",
        Now.AddHours(-1), Now.AddMinutes(-2), Attempts: 12);
}
