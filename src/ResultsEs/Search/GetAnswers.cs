using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

[assembly: JsonContext<ResultsEs.Search.SearchJson>]

namespace ResultsEs.Search;

/// <summary><c>GET /api/v3/answers</c>: what participants wrote and said, by words.</summary>
public static class GetAnswers
{
    private const int MaxLimit = 100;

    // All workspaces and languages together.
    private const int MaxWords = 10_000;

    internal static readonly Operation Description = new("searchAnswers", ApiTag.Tests, "Answers by their words")
    {
        Text = "Written answers, transcripts, and comments on images of the caller's sessions, what was said last first. "
            + "A text in a language that its transcript names is found by the stems of its words, others by the words as they are. "
            + "A page may have fewer hits than asked for, and still a `nextCursor`: then the walk has gone as far as one request may.",
        Query =
        [
            new(
                "q",
                "Words that a text must all have; `or` between words, `-` before a word that it must not have, "
                + "and quotes around words that follow each other.",
                QueryParameter.Sought,
                IsRequired: true),
            new("testId", "Only answers of this test.", QueryParameter.Uuid),
            new(
                "limit", "The page size: how many hits at most.",
                $$"""
                { "type": "integer", "format": "int32", "minimum": 1, "maximum": {{MaxLimit}}, "default": {{Paging.DefaultLimit}} }
                """),
            new("cursor", "The `nextCursor` of the page before, with the same words and test.", """{ "type": "string" }"""),
        ],
        Replies = [Reply.Ok<AnswersPage>("A page of the hits.")],
    };

    /// <summary>Sends a page of the hits.</summary>
    [WolverineGet("/api/v3/answers")]
    [Audited(AuditKind.Read)]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var words = parameters.Sought("q", isRequired: true) ?? "";
        var test = parameters.UuidOrNull("testId");
        var limit = parameters.Number("limit", 1, MaxLimit, Paging.DefaultLimit);
        var list = $"answers {test} {words}";
        const string NoCursor = "must be a nextCursor of this search, with the same words and test";
        var after = parameters.CursorOrNull("cursor", list, NoCursor) is { } cursor
            ? new HitPlace(new DateTime(cursor.Key, DateTimeKind.Utc), cursor.Id, cursor.Within)
            : HitPlace.First;
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (shares.Searches.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        // The connections of exports, so that searches take none of other readers.
        var page = await database.ReadChangesAsync(
            completeTo: null,
            (source, completeTo, stop) => PageAsync(database.ExportsOf(source), caller, words, test, list, after, limit, completeTo, stop),
            cancellation);
        if (page is not null)
            return page;

        http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(
            StatusCodes.Status503ServiceUnavailable, "The search took too long. Look for words that are said less often, or in one test.");
    }

    /// <summary>Reads a page; null when a statement took too long.</summary>
    private static async Task<IResult?> PageAsync(
        NpgsqlDataSource source, Caller caller, string words, Guid? test, string list, HitPlace after, int limit,
        DateTimeOffset completeTo, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellation);
            return await PageAsync(connection, caller, words, test, list, after, limit, completeTo, cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            return null;
        }
    }

    private static async Task<IResult> PageAsync(
        NpgsqlConnection connection, Caller caller, string words, Guid? test, string list, HitPlace after, int limit,
        DateTimeOffset completeTo, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var query = new SearchQuery(connection, caller, words, test);
        var (asOf, wrong) = await query.BeginAsync(completeTo, MaxWords, cancellation);
        if (wrong is not null)
            return Problems.BadRequest(
                "The request's parameters are malformed.", new Dictionary<string, string[]>(StringComparer.Ordinal) { ["q"] = [wrong] });

        var page = await query.FindAsync(after, limit, cancellation);
        var next = page.Next is { } place ? new Cursor(place.At.Ticks, place.Session, place.Part, TotalCount: 0).Write(list) : null;
        return JsonBody.Of(new AnswersPage(page.Hits, new AnswersMeta(limit, next, asOf)), Json.Of<AnswersPage>());
    }
}

/// <summary>A page of hits, what was said last first.</summary>
internal sealed record AnswersPage(IReadOnlyList<AnswerHit> Answers, AnswersMeta Meta);

/// <summary>What a page of hits says of itself.</summary>
/// <param name="Limit">The page size of the request.</param>
/// <param name="NextCursor">The cursor of the next page; absent in the last page.</param>
/// <param name="AsOf">
/// The time, by the database's clock, before which all that was stored can be found. Usually a second ago or less.
/// </param>
internal sealed record AnswersMeta(
    int Limit, string? NextCursor, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset AsOf);

/// <summary>A text in which the words were found, or a passage of a long one.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="TestId">The test.</param>
/// <param name="WorkspaceId">The workspace.</param>
/// <param name="TaskId">The task; absent in the transcript of a session.</param>
/// <param name="Kind">Where it was said.</param>
/// <param name="Time">When it was said: the session's start and <paramref name="StartMs"/>.</param>
/// <param name="StartMs">Milliseconds since the session's start: of the answer, or of the passage where it is timed.</param>
/// <param name="Excerpt">The words around the hit.</param>
internal sealed record AnswerHit(
    Guid SessionId, Guid TestId, Guid WorkspaceId, Guid? TaskId, SearchKind Kind,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Time, long StartMs, Excerpt Excerpt);

[JsonSerializable(typeof(AnswersPage))]
internal sealed partial class SearchJson : JsonSerializerContext;
