using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Sessions;

namespace ResultsEs.Privacy;

/// <summary>Everything that is held about a participant.</summary>
/// <param name="ParticipantId">The participant.</param>
/// <param name="Account">The account.</param>
/// <param name="ExportedAt">When this was read.</param>
/// <param name="Sessions">The sessions in which an event names them, ordered by id.</param>
/// <param name="DeadLetters">Messages that were refused and name the participant or one of the sessions.</param>
internal sealed record ParticipantData(
    Guid ParticipantId, Guid Account, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset ExportedAt,
    IReadOnlyList<ParticipantSession> Sessions, IReadOnlyList<ParticipantLetter> DeadLetters);

/// <summary>A session of a participant.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Result">The session as v3 shows it. Null before its start, and when another participant holds for it now.</param>
/// <param name="Events">Its events as stored, in their order; of a session that is another's now, those alone that name this one.</param>
internal sealed record ParticipantSession(Guid SessionId, SessionBody? Result, IReadOnlyList<ParticipantEvent> Events);

/// <summary>An event as stored.</summary>
/// <param name="Id">The event's id.</param>
/// <param name="Type">The CloudEvent's <c>type</c>.</param>
/// <param name="Time">When it happened, by its producer.</param>
/// <param name="RecordedAt">When it was stored, by the database.</param>
/// <param name="Source">The recorder and its version.</param>
/// <param name="Data">What the producer sent.</param>
internal sealed record ParticipantEvent(
    Guid Id, string Type, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Time,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset RecordedAt, string Source, JsonElement Data);

/// <summary>A message that was refused.</summary>
/// <param name="Id">The dead letter.</param>
/// <param name="Text">Its events as they were sent, as far as they are text.</param>
internal sealed record ParticipantLetter(Guid Id, string Text);

/// <summary>Reads what is held about a participant, one session at a time.</summary>
public sealed class ParticipantReader
{
    private readonly NpgsqlDataSource _database;
    private readonly ErasedLetters _letters;

    internal ParticipantReader(NpgsqlDataSource database, ErasedLetters letters) => (_database, _letters) = (database, letters);

    /// <summary>Reads the sessions in which an event names the participant; also under the pseudonym, once they are erased.</summary>
    internal async Task<List<Guid>> SessionsAsync(string account, Guid participant, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        return await Erased.StreamsOfAsync(connection, account, Names(account, participant), cancellation);
    }

    internal async Task<ParticipantSession> ReadAsync(string account, Guid participant, Guid session, CancellationToken cancellation)
    {
        var key = new StreamKey(account, session);
        var names = Names(account, participant);
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        // One snapshot of events and result.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var events = await StreamLog.EventsAsync(
            connection, key,
            reader => new ParticipantEvent(
                reader.GetGuid(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3),
                reader.IsDBNull(4) ? "" : reader.GetString(4), JsonElement.Parse(reader.GetFieldValue<byte[]>(5))),
            cancellation);
        SessionBody? body = null;
        var streams = new Dictionary<StreamKey, DateTime> { [key] = default };
        await foreach (var stream in StoredStreams.ReadAsync(connection, SessionResultTable.Documents, streams, cancellation))
            // What cannot be read is in the events all the same.
            body = stream.Problem is null ? ((SessionResult)SessionResultTable.Documents.Fold(stream).Document).Body : null;

        var isTheirs = body?.SessionParticipant?.ParticipantId is not { } now || names.Contains(now);
        return new ParticipantSession(
            session,
            isTheirs && body?.WorkspaceId is not null ? body : null,
            isTheirs ? events : [.. events.Where(one => NamesOne(one, names))]);
    }

    internal async Task<IReadOnlyList<ParticipantLetter>> LettersAsync(
        string account, Guid participant, IReadOnlyList<Guid> sessions, CancellationToken cancellation)
    {
        var letters = await _letters.NamingAsync(account, [.. sessions, participant], cancellation);
        return [.. letters.Select(letter => new ParticipantLetter(letter.Id, letter.Text))];
    }

    private static Guid[] Names(string account, Guid participant) => [participant, Masking.PseudonymOf(account, participant)];

    private static bool NamesOne(ParticipantEvent one, Guid[] names) =>
        one.Data.ValueKind == JsonValueKind.Object && one.Data.TryGetProperty("participantId", out var id)
        && id.TryGetGuid(out var participant) && names.Contains(participant);
}
