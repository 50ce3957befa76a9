using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using ResultsEs.Access;
using ResultsEs.Common;
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
internal sealed record PostEventLinesResponse(long Lines, long Accepted, long Duplicates, long Refused, IReadOnlyList<RefusedLine> Refusals);

[JsonSerializable(typeof(PostEventLinesResponse))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string[]>))]
internal sealed partial class PostEventLinesJson : JsonSerializerContext;

/// <summary>
/// <c>POST /api/v2/sessionEvents</c> with <c>application/x-ndjson</c>: any number of events, a line each. Valid lines are stored,
/// whatever becomes of the others.
/// </summary>
internal static class PostEventLines
{
    /// <summary>How many refused lines are told one by one.</summary>
    public const int MaxRefusals = 1_000;

    /// <summary>How long a request waits for the database, or for other writers.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Takes the request's lines as they come.</summary>
    public static async Task<IResult> PostAsync(HttpContext http, IMessageBus bus, IHostApplicationLifetime lifetime, ILogger logger)
    {
        // Both are against bodies that nobody wants. This one is read as a stream, and a recorder may take its time.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;

        var caller = Caller.From(http.User);
        var refusals = new List<RefusedLine>();
        var import = new EventImport(command => bus.InvokeAsync<RecordResult>(command, CancellationToken.None), caller.Account, caller.Workspaces, Patience, logger, refused =>
        {
            if (refusals.Count < MaxRefusals)
                refusals.Add(refused);
        });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        var end = await import.RunAsync(http.Request.BodyReader, from: 1, stop.Token);
        if (end == ImportEnd.Complete)
            return TypedResults.Json(new PostEventLinesResponse(import.Lines, import.Accepted, import.Duplicates, import.Refused, refusals), Json.Of<PostEventLinesResponse>());

        http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        var problem = Problems.Of(StatusCodes.Status503ServiceUnavailable, string.Create(CultureInfo.InvariantCulture,
            $"{(end == ImportEnd.Stopped ? "The service is stopping" : "The database does not answer, or other writers hold the sessions")}; every line through {import.ThroughLine} is stored or refused. Send the lines after it again, or all of them."));
        problem.ProblemDetails.Extensions["storedThroughLine"] = import.ThroughLine;
        problem.ProblemDetails.Extensions["refused"] = import.Refused;
        problem.ProblemDetails.Extensions["refusals"] = refusals;
        return problem;
    }
}
