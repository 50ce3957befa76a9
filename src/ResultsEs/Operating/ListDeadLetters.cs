using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.Ingestion.RabbitMq;
using Wolverine.Persistence.Durability;

[assembly: JsonContext<ResultsEs.Operating.OperatingJson>]

namespace ResultsEs.Operating;

/// <summary><c>GET /api/v3/operations/deadLetters</c>: the account's messages that could not be stored.</summary>
public static class ListDeadLetters
{
    private const string List = "deadLetters";
    private const int MaxLimit = 100;

    internal static readonly Operation Description = new("listDeadLetters", ApiTag.Operations, "Messages that could not be stored")
    {
        Text = "Dead letters of the account, the oldest first. A page may have fewer than asked for, and still a `nextCursor`.",
        Query =
        [
            new("limit", "The page size: how many letters at most.", Paging.Integer(1, MaxLimit, Paging.DefaultLimit)),
            new("cursor", "The `nextCursor` of the page before.", """{ "type": "string" }"""),
        ],
        Replies = [Reply.Ok<DeadLetterPage>("A page of the list.")],
    };

    /// <summary>Sends a page of the list.</summary>
    [WolverineGet("/api/v3/operations/deadLetters")]
    [Authorize(Scopes.OperationsRead)]
    public static async Task<IResult> Get(
        HttpContext http, DeadLetters letters, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var limit = parameters.Number("limit", 1, MaxLimit, Paging.DefaultLimit);
        var after = parameters.CursorOrNull("cursor", List, "must be a nextCursor of this list") is { } cursor
            ? new LetterPlace(new DateTime(cursor.Key, DateTimeKind.Utc), cursor.Id)
            : LetterPlace.Begin;
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        // It looks through the letters of all accounts.
        if (shares.Searches.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        var (found, next) = await letters.ListAsync(Tenant.Of(caller.Account), after, limit, cancellation);
        var page = new DeadLetterPage(
            [.. found.Select(DeadLetter.Of)], next is { } place ? new Cursor(place.At.Ticks, place.Id, default, 0).Write(List) : null);
        return JsonBody.Of(page, Json.Of<DeadLetterPage>());
    }
}

/// <summary>A page of dead letters.</summary>
/// <param name="DeadLetters">The letters, the oldest first.</param>
/// <param name="NextCursor">The cursor of the next page; absent in the last page.</param>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetter> DeadLetters, string? NextCursor);

/// <summary>A message that could not be stored.</summary>
/// <param name="LetterId">The letter.</param>
/// <param name="Time">When it was kept.</param>
/// <param name="Queue">Where it came from.</param>
/// <param name="Reason">Why it could not be stored, up to 4,000 characters.</param>
/// <param name="ContentType">The content type that its sender named.</param>
/// <param name="Bytes">The size of its body.</param>
internal sealed record DeadLetter(
    Guid LetterId, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Time, string Queue, string Reason,
    string? ContentType, int Bytes)
{
    private const int MaxReason = 4_000;

    public static DeadLetter Of(DeadLetterEnvelope letter) => new(
        letter.Id, letter.FailedAt ?? letter.SentAt, letter.ReceivedAt, Printable.Excerpt(letter.ExceptionMessage, MaxReason),
        letter.Envelope.ContentType is { } type ? Printable.Excerpt(type, 200) : null, letter.Envelope.Data?.Length ?? 0);
}

[JsonSerializable(typeof(ServiceState))]
[JsonSerializable(typeof(DeadLetterPage))]
[JsonSerializable(typeof(DeadLetterDetails))]
[JsonSerializable(typeof(DeadLetterOutcome))]
[JsonSerializable(typeof(SetAsideList))]
[JsonSerializable(typeof(SetAsideRetried))]
[JsonSerializable(typeof(ErasureList))]
internal sealed partial class OperatingJson : JsonSerializerContext;
