using System.Collections.Concurrent;
using System.Diagnostics;

namespace ResultsEs.Tests.EventStore;

/// <summary>The statements that a request sends to the database, in their order: what it costs, without a clock.</summary>
internal static class SentStatements
{
    /// <summary>Sends a request, and returns its answer with the statements that it took until the answer was read.</summary>
    public static async Task<(HttpResponseMessage Answer, string Statements)> OfAsync(HttpClient http, HttpRequestMessage request)
    {
        var statements = new ConcurrentQueue<string>();
        var trace = ActivityTraceId.CreateRandom();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.TraceId == trace)
                    statements.Enqueue((activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement") ?? activity.DisplayName).ToString()!);
            },
        };
        ActivitySource.AddActivityListener(listener);
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer, string.Join("; ", statements));
    }
}
