using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary><c>GET /api/v3/sessionResults/{sessionId}/tasks/{taskId}/interactions</c>: all interactions of a Figma task.</summary>
public static class GetTaskInteractions
{
    private const int DefaultLimit = 200;

    internal static readonly Operation Description = new(
        "listTaskInteractions", ApiTag.Sessions, "All interactions of a Figma task")
    {
        Text = "The interactions of the take that the session's details show, by time, each whole: the details list the first 200, and "
            + "shorten long ones. 404 unless the task is shown with a Figma answer. A page ends sooner where it has more than 4 MiB.",
        Query = Paging.QueryOf(DefaultLimit),
        Replies = [Reply.Ok<TaskInteractionsPage>("A page of the interactions.")],
    };

    // The document, of which the task's state says which take is shown.
    private static readonly DocumentQuery Query = new(SessionResultTable.Documents, $"{StreamPlace.Columns}, d.data");

    private static readonly EventType Interaction =
        SessionEventTypes.All.Single(type => type.Record == typeof(FigmaInteractionRecorded));

    /// <summary>Sends a page of the interactions.</summary>
    [WolverineGet("/api/v3/sessionResults/{sessionId}/tasks/{taskId}/interactions")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (session, task) = (parameters.Id("sessionId"), parameters.Id("taskId"));
        var list = $"interactions {session} {task}";
        var paging = Paging.Read(parameters, list, DefaultLimit);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var shown = await SessionResultQuery.ReadAsync(
            database, Query, caller, session,
            reader => new Shown(StreamPlace.Read(reader), reader.GetFieldValue<byte[]>(4)), cancellation);
        if (shown is null || TakeOf(shown.Document, task) is not { } take)
            return Problems.NotFound();
        if (shares.History.TakeOrRefuse(http, caller, shown.Place.Bytes) is { } refusal)
            return refusal;

        var stream = new StreamKey(Tenant.Of(caller.Account), session);
        var page = await StreamHistory.ReadAsync(
            database, stream, shown.Place.Version,
            async (connection, stop) =>
            {
                var all = await StreamHistory.OrdersAsync(
                    connection, SessionResultTable.Documents, stream, caller.Workspaces, shown.Place.Workspace, Interaction,
                    ("taskId", task.ToString()), "atMs", stop);
                var mine = InTake(all, take).ToList();
                var wanted = mine.SkipWhile(one => paging.After is { } after && !one.IsAfter(after)).Skip(paging.Offset).ToList();
                var data = await StreamHistory.DataAsync(
                    connection, SessionResultTable.Documents, stream, caller.Workspaces,
                    [.. wanted.Take(paging.Limit).Select(one => one.Id)], stop);
                var next = data.Count > 0 && wanted.Count > data.Count
                    ? new Cursor(wanted[data.Count - 1].AtMs, wanted[data.Count - 1].Id, default, mine.Count).Write(list)
                    : null;
                var totalCount = paging.After?.TotalCount ?? mine.Count;
                return new TaskInteractionsPage(task, [.. data.Select(Whole)], ListMeta.Of(paging, totalCount, next));
            },
            cancellation);
        return page is null ? Problems.NotFound() : JsonBody.Of(page, Json.Of<TaskInteractionsPage>());
    }

    /// <summary>The take of a task that is shown with a Figma answer; null when there is none.</summary>
    private static Take? TakeOf(byte[] json, Guid task)
    {
        var document = (SessionResult)SessionResultTable.Documents.Read(json);
        var isShown = document.Body.Tasks.Any(body => body.Uuid == task && body.Response?.Answer?.Key == Figma.TaskType.V3Key);
        return isShown ? Take.ShownOf(document.Fold.Tasks.Single(fold => fold.Id == task)) : null;
    }

    private static IEnumerable<Place> InTake(IEnumerable<(EventOrder Order, long AtMs)> all, Take take) =>
        all.Where(one => one.Order.IsAfter(take.Previous))
            // A cursor holds no later one: 9,999 years are enough for a session.
            .Select(one => new Place(Math.Min(one.AtMs, DateTime.MaxValue.Ticks), one.Order.By))
            .OrderBy(one => (one.AtMs, one.Id));

    private static JsonElement Whole(byte[] data) => FigmaRun.Whole((FigmaInteractionRecorded)Interaction.Read(data));

    /// <summary>The place of an interaction in the list.</summary>
    private readonly record struct Place(long AtMs, Guid Id)
    {
        public bool IsAfter(Cursor cursor) => (AtMs, Id).CompareTo((cursor.Key, cursor.Id)) > 0;
    }

    private sealed record Shown(StreamPlace Place, byte[] Document);
}

/// <summary>A page of the interactions of a task.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Interactions">The messages of Figma's Embed API, as they were recorded.</param>
/// <param name="Meta">Which part of the list this is.</param>
internal sealed record TaskInteractionsPage(Guid TaskId, IReadOnlyList<JsonElement> Interactions, ListMeta Meta);
