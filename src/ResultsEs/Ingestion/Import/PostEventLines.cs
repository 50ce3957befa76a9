using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using ResultsEs.Access;
using ResultsEs.Http;
using Wolverine;

[assembly: JsonContext<ResultsEs.Ingestion.Import.PostEventLinesJson>]

namespace ResultsEs.Ingestion.Import;

/// <summary>What became of the lines of a request.</summary>
/// <param name="Lines">How many lines held something.</param>
/// <param name="Accepted">How many events were new and are stored.</param>
/// <param name="Duplicates">How many were stored before.</param>
/// <param name="Refused">How many lines are not stored.</param>
/// <param name="Refusals">The first of them, in order.</param>
internal sealed record PostEventLinesResponse(
    long Lines, long Accepted, long Duplicates, long Refused, IReadOnlyList<RefusedLine> Refusals);

[JsonSerializable(typeof(PostEventLinesResponse))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string[]>))]
internal sealed partial class PostEventLinesJson : JsonSerializerContext;

/// <summary><c>POST /api/v2/sessionEvents</c> with NDJSON: any number of events, one a line. Each valid line is stored.</summary>
internal static class PostEventLines
{
    // So many refused lines are in the answer.
    private const int MaxRefusals = 1_000;

    // For the database, or for other writers.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    public static async Task<IResult> PostAsync(HttpContext http, IMessageBus bus, IHostApplicationLifetime lifetime, ILogger logger)
    {
        // These limits protect from bodies that nobody wants. This one is streamed, and a recorder may take its time.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;

        var caller = Caller.From(http.User);
        var refusals = new List<RefusedLine>();
        var import = new EventImport(
            command => bus.InvokeAsync<RecordResult>(command, CancellationToken.None),
            caller.Account, caller.Workspaces, MaxWait, logger, Refuse);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        var end = await import.RunAsync(http.Request.BodyReader, from: 1, stop.Token);
        if (end == ImportEnd.Complete)
            return TypedResults.Json(
                new PostEventLinesResponse(import.Lines, import.Accepted, import.Duplicates, import.Refused, refusals),
                Json.Of<PostEventLinesResponse>());

        http.Response.Headers.RetryAfter = $"{Problems.RetryAfterSeconds}";
        var reason = end == ImportEnd.Stopped
            ? "The service is stopping"
            : "The database does not answer, or other writers hold the sessions";
        var problem = Problems.Of(
            StatusCodes.Status503ServiceUnavailable,
            $"{reason}; every line through {import.ThroughLine} is stored or refused. Send the lines after it again, or all of them.");
        problem.ProblemDetails.Extensions["storedThroughLine"] = import.ThroughLine;
        problem.ProblemDetails.Extensions["refused"] = import.Refused;
        problem.ProblemDetails.Extensions["refusals"] = refusals;
        return problem;

        void Refuse(RefusedLine line)
        {
            if (refusals.Count < MaxRefusals)
                refusals.Add(line);
        }
    }
}
