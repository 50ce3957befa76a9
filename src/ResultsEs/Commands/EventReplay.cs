using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>
/// Sends stored events again as CloudEvents, as they were received, in the order of their positions in the event store.
/// No event is skipped: it ends before the first position below which an event may still appear.
/// </summary>
internal sealed class EventReplay(NpgsqlDataSource database, IEventTarget target)
{
    private const int EventsPerPage = 1_000;

    // By the primary key (seq_id). Commits that failed may leave tombstones at their positions.
    private const string Sql =
        $"""
        select e.seq_id, e.tenant_id, e.stream_id, e.id, e.type, e.data,
          e.headers ->> 'time', e.headers ->> 'source', e.headers ->> 'traceparent', e.timestamp
        from {StreamLog.Events} e
        where e.seq_id > $1 and e.seq_id <= $2 and e.type <> 'tombstone' and ($4::varchar is null or e.tenant_id = $4)
        order by e.seq_id
        limit $3
        """;

    public long Sent { get; private set; }

    /// <summary>The last position up to which every event is sent; the next replay begins after it.</summary>
    public long Through { get; private set; }

    /// <summary>Sends the events after <paramref name="since"/>, of one account or all; at most those stored when it starts.</summary>
    public async Task RunAsync(long since, long until, string? account, ProgressReport report, CancellationToken cancellation)
    {
        Through = since;
        report.Phase("waiting for writers");
        var now = await EventPosition.NowAsync(database, cancellation);
        await now.SettleAsync(database, cancellation);
        var end = Math.Min(until, now.Sequence);
        report.Phase("sending");
        while (Through < end)
        {
            var page = await ReadAsync(Through, end, account, cancellation);
            await target.SendAsync(page, cancellation);
            Sent += page.Count;
            Through = page.Count < EventsPerPage ? end : page[^1].Position;
            report.Done(Through - since, end - since, "positions");
        }
    }

    private Task<List<StoredCloudEvent>> ReadAsync(long after, long until, string? account, CancellationToken cancellation) =>
        database.CreateCommand(Sql).ReadAllAsync(
            [after, until, EventsPerPage, account],
            reader => new StoredCloudEvent(reader.GetInt64(0), reader.GetGuid(3), Write(reader)), cancellation);

    private static byte[] Write(NpgsqlDataReader reader)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = Json.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("specversion", "1.0");
            json.WriteString("id", reader.GetGuid(3));
            json.WriteString("source", reader.GetString(7));
            json.WriteString("type", reader.GetString(4));
            json.WriteString("subject", reader.GetGuid(2));
            json.WriteString("time", reader.GetString(6));
            json.WriteString("datacontenttype", "application/json");
            if (!reader.IsDBNull(8))
                json.WriteString("traceparent", reader.GetString(8));
            // Extensions of CloudEvents: https://github.com/cloudevents/spec/tree/main/cloudevents/extensions
            json.WriteString("sequence", $"{reader.GetInt64(0)}");
            json.WriteString("recordedtime", reader.GetDateTime(9).ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("accountid", reader.GetString(1));
            json.WritePropertyName("data");
            json.WriteRawValue(reader.GetFieldValue<byte[]>(5));
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }
}

/// <summary>A stored event as a structured CloudEvent in UTF-8, without line breaks.</summary>
internal sealed record StoredCloudEvent(long Position, Guid Id, byte[] Json);

internal interface IEventTarget : IAsyncDisposable
{
    /// <summary>Sends events. Returns when the target has them.</summary>
    Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation);

    /// <summary>Ends a replay that has sent all events.</summary>
    Task CompleteAsync(CancellationToken cancellation) => Task.CompletedTask;
}
