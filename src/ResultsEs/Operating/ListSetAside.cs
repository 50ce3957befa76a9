using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Operating;

/// <summary><c>GET /api/v3/operations/setAside</c>: what shared workers have set aside of the account.</summary>
public static class ListSetAside
{
    /// <summary>The most items of an answer.</summary>
    internal const int MaxItems = 200;

    internal static readonly Operation Description = new("listSetAside", ApiTag.Operations, "What shared workers have set aside")
    {
        Text = "Sessions of the account that alone make shared work fail, the oldest first, at most 200. "
            + "They are stored; what the worker makes of them is missing or old.",
        Replies = [Reply.Ok<SetAsideList>("The items.")],
    };

    /// <summary>Sends the items.</summary>
    [WolverineGet("/api/v3/operations/setAside")]
    [Authorize(Scopes.OperationsRead)]
    public static async Task<IResult> Get(HttpContext http, NpgsqlDataSource database, CancellationToken cancellation)
    {
        // The primary key (worker, tenant_id, id) is small: what is in it needs an operator.
        var items = await database.CreateCommand(
            $"""
            select a.worker, a.id, a.reason, a.since, a.last_tried_at, a.attempts from {SetAside.Table} a
            where a.tenant_id = $1 order by a.since, a.worker, a.id limit {MaxItems}
            """).ReadAllAsync(
            [Tenant.Of(Caller.From(http.User).Account)],
            reader => new SetAsideEntry(
                reader.GetString(0), reader.GetGuid(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3),
                reader.GetFieldValue<DateTimeOffset>(4), reader.GetInt32(5)),
            cancellation);
        return JsonBody.Of(new SetAsideList(items), Json.Of<SetAsideList>());
    }
}

/// <summary>What is set aside.</summary>
internal sealed record SetAsideList(IReadOnlyList<SetAsideEntry> Items);

/// <summary>A session that a shared worker has set aside.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="SubjectId">The session, or what else has the stream.</param>
/// <param name="Reason">The failure of the last attempt.</param>
/// <param name="Since">When the first attempt failed.</param>
/// <param name="LastTried">When the last one did.</param>
/// <param name="Attempts">How many failed.</param>
internal sealed record SetAsideEntry(
    string Worker, Guid SubjectId, string Reason, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Since,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset LastTried, int Attempts);
