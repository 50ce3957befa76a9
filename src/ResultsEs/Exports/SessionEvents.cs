using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Exports;

/// <summary>
/// Reads what a document only sums up: all interactions of a session, and its own transcript, as they are stored (and masked, where they
/// were erased). Only events that count in the document's workspace are read.
/// </summary>
internal sealed class SessionEvents(ReadDatabase database)
{
    // Each page is a short query.
    private const int EventsAtOnce = 500;
    private const int PageBytes = 1024 * 1024;

    private static readonly string[] Interactions =
    [
        .. SessionResultTable.Documents.EventTypes.Values.Where(type => type.Record == typeof(FigmaInteractionRecorded))
            .Select(type => type.WireType),
    ];

    private NpgsqlDataSource Exports => database.ExportsOf(database.Primary);

    /// <summary>Adds a session's rows, and lets <paramref name="flush"/> write them in between, however many they are.</summary>
    public async Task AddAsync(
        TableSet tables, string account, SessionToFollow session, Func<CancellationToken, Task> flush, CancellationToken cancellation)
    {
        if (session.Transcript is { } transcript && tables.Cues is { } cues)
            await AddCuesAsync(cues, account, session, transcript, cancellation);
        if (!session.HasInteractions || tables.Interactions is not { } interactions)
            return;

        var digest = Sender.DigestOf(session.WorkspaceId);
        for (var after = (long?)0; after is { } version;)
        {
            after = await AddInteractionsAsync(interactions, account, session, digest, version, cancellation);
            await flush(cancellation);
        }
    }

    /// <summary>Adds a page of interactions. Returns the version after which the next begins; null after the last.</summary>
    private async Task<long?> AddInteractionsAsync(
        TableBatch batch, string account, SessionToFollow session, string digest, long after, CancellationToken cancellation)
    {
        // The unique index of (tenant_id, stream_id, version), in its order.
        await using var command = Exports.CreateCommand(
            $"""
            select e.version, e.id, e.headers ->> '{Sender.HeaderName}', e.data
            from {StreamLog.Events} e
            where e.tenant_id = $1 and e.stream_id = $2 and e.version > $3 and e.type = any($4)
            order by e.version limit $5
            """);
        command.Parameters.AddAll(account, session.SessionId, after, Interactions, EventsAtOnce);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (read, bytes, last) = (0, 0, after);
        while (bytes < PageBytes && await reader.ReadAsync(cancellation))
        {
            (read, last) = (read + 1, reader.GetInt64(0));
            var json = reader.GetFieldValue<byte[]>(3);
            bytes += json.Length;
            if (!new Sender(reader.IsDBNull(2) ? null : reader.GetString(2)).MayWrite(digest))
                continue;

            using var data = JsonDocument.Parse(json);
            SessionRows.AddInteraction(
                batch, session.SessionId, session.WorkspaceId, session.TestId, reader.GetGuid(1), data.RootElement);
        }

        return read == EventsAtOnce || bytes >= PageBytes ? last : null;
    }

    private async Task AddCuesAsync(
        TableBatch batch, string account, SessionToFollow session, Guid transcript, CancellationToken cancellation)
    {
        // The unique index ux_events_tenant_id. The document names an event that counts in its workspace.
        var found = await Exports.CreateCommand($"select e.data from {StreamLog.Events} e where e.tenant_id = $1 and e.id = $2")
            .ReadAllAsync([account, transcript], reader => reader.GetFieldValue<byte[]>(0), cancellation);
        foreach (var json in found)
        {
            using var data = JsonDocument.Parse(json);
            if (data.RootElement.Find("cues") is { ValueKind: JsonValueKind.Array } cues)
                SessionRows.AddCues(
                    batch, session.SessionId, session.WorkspaceId, session.TestId, task: null, cues, data.RootElement.Find("language"));
        }
    }
}
