using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using Marten.Linq.QueryHandlers;
using NpgsqlTypes;
using ResultsEs.SessionResults;
using Weasel.Postgresql;
using Weasel.Storage;

namespace ResultsEs.Ingestion;

/// <summary>What of a stored event decides whether another with its id is the same.</summary>
internal sealed record StoredEvent(Guid StreamId, string WireType, DateTimeOffset Time, Lazy<JsonElement> Data)
{
    /// <summary>The header with the CloudEvent's <c>time</c>, UTC.</summary>
    public const string TimeHeader = "time";

    private const string SourceHeader = "source";
    private const string TraceParentHeader = "traceparent";

    /// <summary>An event as it is appended: the producer's id and data, the CloudEvent's other attributes as headers.</summary>
    public static IEvent Envelope(IncomingEvent incoming)
    {
        var envelope = incoming.Type.Envelope(incoming.Id, incoming.Data);
        envelope.SetHeader(TimeHeader, incoming.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        envelope.SetHeader(SourceHeader, incoming.Source);
        if (incoming.TraceParent is not null)
            envelope.SetHeader(TraceParentHeader, incoming.TraceParent);
        return envelope;
    }

    /// <summary>An event that is about to be stored, as it will be.</summary>
    public static StoredEvent Of(IncomingEvent incoming) =>
        new(incoming.StreamId, incoming.Type.WireType, incoming.Time, new Lazy<JsonElement>(() => Content(incoming)));

    /// <summary>Whether <paramref name="incoming"/>, which has this event's id, is this event: the same type, stream, time and data.</summary>
    public bool HasContentOf(IncomingEvent incoming) =>
        StreamId == incoming.StreamId
        && WireType == incoming.Type.WireType
        && Time == incoming.Time
        && JsonElement.DeepEquals(Data.Value, Content(incoming));

    /// <summary>What orders a stored event among others.</summary>
    public static Stamp Stamp(IEvent stored) =>
        new(ParseTime(stored.GetHeader(TimeHeader)?.ToString()) ?? stored.Timestamp, stored.Id);

    private static JsonElement Content(IncomingEvent incoming) => JsonSerializer.SerializeToElement(incoming.Data, incoming.Type.JsonType);

    private static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}

/// <summary>
/// The events that the account has under these ids; part of a batched query. Relies on the unique index
/// <see cref="Postgres.EventIdIndex"/> on (tenant_id, id).
/// </summary>
internal sealed class StoredEventsById(Guid[] ids, Guid account) : IQueryHandler<Dictionary<Guid, StoredEvent>>
{
    /// <inheritdoc/>
    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        builder.Append("select e.id, e.stream_id, e.type, e.headers ->> 'time', e.data from results.mt_events e where e.tenant_id = ");
        builder.AppendParameter(Tenant.Of(account), NpgsqlDbType.Varchar);
        builder.Append(" and e.id = any(");
        builder.AppendParameter(ids, NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        builder.Append(")");
    }

    /// <inheritdoc/>
    public async Task<Dictionary<Guid, StoredEvent>> HandleAsync(DbDataReader reader, IStorageSession session, CancellationToken token)
    {
        var stored = new Dictionary<Guid, StoredEvent>();
        while (await reader.ReadAsync(token))
        {
            var id = await reader.GetFieldValueAsync<Guid>(0, token);
            var time = DateTimeOffset.Parse(await reader.GetFieldValueAsync<string>(3, token), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            var data = await reader.GetFieldValueAsync<byte[]>(4, token);
            stored.Add(id, new StoredEvent(
                await reader.GetFieldValueAsync<Guid>(1, token),
                await reader.GetFieldValueAsync<string>(2, token),
                time,
                new Lazy<JsonElement>(() => JsonElement.Parse(data))));
        }

        return stored;
    }

    /// <inheritdoc/>
    public Task<int> StreamJson(Stream stream, DbDataReader reader, CancellationToken token) =>
        throw new NotSupportedException("Known events are compared, never streamed.");
}
