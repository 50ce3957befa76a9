using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Privacy;

/// <summary><c>GET /api/v2/participants/{participantId}/export</c>: everything that is held about a participant.</summary>
public static class ExportParticipant
{
    internal static readonly Operation Description = new(
        "exportParticipant", ApiTag.Privacy, "Everything that is held about a participant")
    {
        Text = "403 when the participant has sessions in workspaces that the token lacks; 404 when no event names them. "
            + "A response whose connection breaks off is not complete.",
        Replies = [Reply.Ok<ParticipantData>("Sessions, their events as stored, and refused messages.")],
    };

    /// <summary>Sends what is held, a session at a time.</summary>
    [WolverineGet("/api/v2/participants/{participantId}/export")]
    [Authorize(Scopes.PrivacyRead)]
    // Without the participant: the audit outlives an erasure.
    [Audited(AuditKind.Export)]
    public static async Task<IResult> Get(
        HttpContext http, Erasures erasures, ParticipantReader reader, TimeProvider time, ILoggerFactory loggers,
        CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var participant = parameters.Id("participantId");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (await erasures.ElsewhereAsync(caller, participant, cancellation) is > 0 and var elsewhere)
            return ErasureAnswer.Elsewhere(elsewhere);

        var sessions = await reader.SessionsAsync(Tenant.Of(caller.Account), participant, cancellation);
        return sessions.Count == 0
            ? Problems.NotFound()
            : new ParticipantExport(
                reader, caller.Account, participant, sessions, time.GetUtcNow(), loggers.CreateLogger<ParticipantExport>());
    }
}

/// <summary>
/// The export of a participant as JSON, written a session at a time, so that memory holds one. A failure after the start aborts the
/// response, because a regular end would say that it is complete.
/// </summary>
internal sealed partial class ParticipantExport(
    ParticipantReader reader, Guid account, Guid participant, IReadOnlyList<Guid> sessions, DateTimeOffset now, ILogger logger) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "application/json; charset=utf-8";
        await httpContext.Response.StartAsync(httpContext.RequestAborted);
        if (HeadRequests.IsOne(httpContext))
            return;

        try
        {
            await WriteAsync(httpContext.Response.Body, _ => { }, httpContext.RequestAborted);
        }
        catch (Exception e)
        {
            if (!httpContext.RequestAborted.IsCancellationRequested)
                LogBrokeOff(logger, account, e);
            httpContext.Abort();
        }
    }

    /// <summary>Writes the JSON, and shows each session to <paramref name="seen"/>.</summary>
    public async Task WriteAsync(Stream output, Action<ParticipantSession> seen, CancellationToken cancellation)
    {
        var options = new JsonWriterOptions { Encoder = Json.Options.Encoder, MaxDepth = Json.Options.MaxDepth };
        await using var json = new Utf8JsonWriter(output, options);
        json.WriteStartObject();
        json.WriteString("participantId", participant);
        json.WriteString("account", account);
        json.WriteString("exportedAt", MillisecondsUtcConverter.Text(now));
        json.WriteStartArray("sessions");
        foreach (var id in sessions)
        {
            var session = await reader.ReadAsync(Tenant.Of(account), participant, id, cancellation);
            JsonSerializer.Serialize(json, session, Json.Of<ParticipantSession>());
            await json.FlushAsync(cancellation);
            seen(session);
        }

        json.WriteEndArray();
        json.WriteStartArray("deadLetters");
        foreach (var letter in await reader.LettersAsync(Tenant.Of(account), participant, sessions, cancellation))
            JsonSerializer.Serialize(json, letter, Json.Of<ParticipantLetter>());
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellation);
    }

    [LoggerMessage(3603, LogLevel.Error, "The export of a participant of account {Account} broke off")]
    private static partial void LogBrokeOff(ILogger logger, Guid account, Exception exception);
}
