using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Operating;

/// <summary><c>GET /api/v3/operations/deadLetters/{letterId}</c>: one message that could not be stored.</summary>
public static class GetDeadLetter
{
    // The first bytes of a body.
    private const int MaxBody = 64 * 1024;
    private const int MaxHeaders = 50;
    private const int MaxHeader = 2_048;

    internal static readonly Operation Description = new("getDeadLetter", ApiTag.Operations, "One message that could not be stored")
    {
        Text = "With its body as text, as it was sent, up to 64 KiB; `deadletters show` of the command line writes the original bytes.",
        Replies = [Reply.Ok<DeadLetterDetails>("The letter.")],
    };

    /// <summary>Sends the letter.</summary>
    [WolverineGet("/api/v3/operations/deadLetters/{letterId}")]
    [Audited(AuditKind.Read, "letterId")]
    [Authorize(Scopes.OperationsRead)]
    public static async Task<IResult> Get(HttpContext http, DeadLetters letters)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("letterId");
        if (parameters.AreRefused(out var problem))
            return problem;
        if (await letters.FindAsync(Tenant.Of(Caller.From(http.User).Account), id) is not { } letter)
            return Problems.NotFound();

        var body = letter.Envelope.Data ?? [];
        var headers = DeadLetters.AttributesOf(letter).Take(MaxHeaders).ToDictionary(
            header => Printable.Excerpt(header.Key, 100), header => Printable.Excerpt(header.Value ?? "", MaxHeader),
            StringComparer.Ordinal);
        var details = new DeadLetterDetails(
            DeadLetter.Of(letter), headers, Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, MaxBody))),
            body.Length > MaxBody);
        return JsonBody.Of(details, Json.Of<DeadLetterDetails>());
    }
}

/// <summary>A message that could not be stored, with what it holds.</summary>
/// <param name="Letter">The letter.</param>
/// <param name="Headers">The attributes of its CloudEvent that came as headers.</param>
/// <param name="Body">Its body as text; bytes that are no UTF-8 are replaced.</param>
/// <param name="IsCut">True when the body has more.</param>
internal sealed record DeadLetterDetails(DeadLetter Letter, IReadOnlyDictionary<string, string> Headers, string Body, bool IsCut);
