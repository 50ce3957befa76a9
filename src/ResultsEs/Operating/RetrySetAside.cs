using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Operating;

/// <summary><c>POST /api/v3/operations/setAside/{subjectId}/retry</c>: does again what shared workers have set aside.</summary>
public static class RetrySetAside
{
    private const int MaxWorker = 100;

    internal static readonly Operation Description = new("retrySetAside", ApiTag.Operations, "Do what is set aside again")
    {
        Text = "Each worker that has set the session aside does its work on it again. What succeeds is set aside no longer. Where one "
            + "fails, the session stays set aside by it with the new reason, and the problem says so, worker by worker.",
        Query =
        [
            new(
                "worker", "Only what this worker has set aside.",
                $$"""{ "type": "string", "minLength": 1, "maxLength": {{MaxWorker}} }"""),
        ],
        Replies = [Reply.Ok<SetAsideRetried>("It is set aside no longer.")],
        Refusals = [409],
    };

    /// <summary>Does the work again.</summary>
    [WolverinePost("/api/v3/operations/setAside/{subjectId}/retry")]
    [Audited(AuditKind.Command, "subjectId")]
    [Authorize(Scopes.OperationsWrite)]
    public static async Task<IResult> Post(
        HttpContext http, NpgsqlDataSource database, SetAsideRetry retry, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("subjectId");
        var worker = parameters.Text("worker");
        if (worker is not null && (worker.Length is 0 or > MaxWorker || !Printable.IsLine(worker)))
            parameters.Refuse("worker", $"must have from 1 to {MaxWorker} printable characters");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var items = await SetAside.FindAsync(database, new StreamKey(Tenant.Of(caller.Account), id), worker, cancellation);
        if (items.Count == 0)
            return Problems.NotFound();
        // It may fold all of a long session.
        if (shares.Searches.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        var (done, left) = (new List<string>(), new List<string>());
        foreach (var item in items)
        {
            if (await retry.RunAsync(item, cancellation) is { } reason)
                left.Add($"{item.Worker} {reason}");
            else
                done.Add(item.Worker);
        }

        return left.Count == 0
            ? JsonBody.Of(new SetAsideRetried(id, done), Json.Of<SetAsideRetried>())
            : Problems.Conflict(string.Join("; ", left.Concat(done.Select(name => $"{name} is done"))));
    }
}

/// <summary>What is set aside no longer.</summary>
/// <param name="SubjectId">The session, or what else has the stream.</param>
/// <param name="Workers">The workers that have done their work on it.</param>
internal sealed record SetAsideRetried(Guid SubjectId, IReadOnlyList<string> Workers);
