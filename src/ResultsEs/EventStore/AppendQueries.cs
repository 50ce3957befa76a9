using Marten.Linq.QueryHandlers;
using Weasel.Postgresql;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>A query of a batch. Its text does not depend on its arguments, so each connection prepares it once.</summary>
internal abstract class AppendQuery<T> : IQueryHandler<IReadOnlyList<T>>
{
    public abstract void ConfigureCommand(ICommandBuilder builder, IStorageSession session);

    public async Task<IReadOnlyList<T>> HandleAsync(DbDataReader reader, IStorageSession session, CancellationToken token)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(token))
            rows.Add(Read(reader));
        return rows;
    }

    public Task<int> StreamJson(Stream stream, DbDataReader reader, CancellationToken token) => throw new NotSupportedException();

    protected abstract T Read(DbDataReader reader);
}

/// <summary>The time of a change and the transaction's id, with a locked stream; its id is null when no stream is stored.</summary>
internal readonly record struct LockedRow(DateTimeOffset Now, uint Xid, Guid? Id, long Version, string? Type);

/// <summary>Marks the transaction for <see cref="ChangeClock"/> and locks streams. There is always a row.</summary>
internal sealed class LockStreams(string account, Guid[] ids) : AppendQuery<LockedRow>
{
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        // Every writer locks in the order of ids, so writers cannot deadlock. The primary key (tenant_id, id) finds the rows.
        // The mark comes before the locks, and each row's time after its lock: the changes of a stream are in the order of their times.
        builder.Append(
            $"""
            select clock_timestamp(), one.xid, s.id, s.version, s.type
            from (select pg_current_xact_id()::xid as xid, {ChangeClock.Mark} as marked offset 0) one left join lateral (
              select l.id, l.version, l.type from results.mt_streams l where l.tenant_id =
            """);
        builder.Append(' ');
        builder.AppendParameter(account);
        builder.Append(" and l.id = any(");
        builder.AppendParameter(ids);
        builder.Append(") order by l.id for update) s on true");
    }

    protected override LockedRow Read(DbDataReader reader)
    {
        var (now, xid) = (reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<uint>(1));
        return reader.IsDBNull(2)
            ? new LockedRow(now, xid, null, 0, null)
            : new LockedRow(now, xid, reader.GetGuid(2), reader.GetInt64(3), reader.IsDBNull(4) ? null : reader.GetString(4));
    }
}

/// <summary>Reads the account's stored events with the id of an incoming one; if asked, of one whose stream is stored.</summary>
internal sealed class FindEvents(string account, IReadOnlyCollection<IncomingEvent> incoming, bool ofStoredStreams)
    : AppendQuery<StoredEvent>
{
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        // The unique index on (tenant_id, id) finds the rows.
        builder.Append(
            $"select e.id, e.stream_id, e.type, e.headers ->> 'time', e.data, e.headers -> '{Erased.Header}' is not null ");
        builder.Append("from results.mt_events e where e.tenant_id = ");
        builder.AppendParameter(account);
        builder.Append(" and e.id = any(");
        if (ofStoredStreams)
            builder.Append("array(select k.id from unnest(");
        builder.AppendParameter(incoming.Select(e => e.Id).ToArray());
        if (ofStoredStreams)
        {
            builder.Append(", ");
            builder.AppendParameter(incoming.Select(e => e.StreamId).ToArray());
            builder.Append(") k(id, stream_id) where k.stream_id in (select s.id from results.mt_streams s where s.tenant_id = ");
            builder.AppendParameter(account);
            builder.Append(" and s.id = any(");
            builder.AppendParameter(incoming.Select(e => e.StreamId).Distinct().ToArray());
            builder.Append(")))");
        }

        builder.Append(")");
    }

    protected override StoredEvent Read(DbDataReader reader) => StoredEvent.Read(reader);
}

/// <summary>Reads which of the subjects are erased. It comes after the locks and the mark, so no erasure before them is missed.</summary>
internal sealed class FindErased(string account, Guid[] subjects) : AppendQuery<(Guid Subject, Guid Erasure)>
{
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        // The primary key (tenant_id, subject) finds the rows.
        builder.Append("select e.subject, e.erasure_id from results.erased e where e.tenant_id = ");
        builder.AppendParameter(account);
        builder.Append(" and e.subject = any(");
        builder.AppendParameter(subjects);
        builder.Append(")");
    }

    protected override (Guid Subject, Guid Erasure) Read(DbDataReader reader) => (reader.GetGuid(0), reader.GetGuid(1));
}

/// <summary>Reads the document rows of locked streams. The JSON is read unless the document is cached or long.</summary>
internal sealed class ReadDocuments(DocumentTable table, DocumentCache cache, IReadOnlyList<StreamKey> keys)
    : AppendQuery<(Guid Id, StoredDocument Document)>
{
    private readonly Dictionary<Guid, (uint Xid, object? Document)> _cached = keys.ToDictionary(key => key.Id, cache.Find);

    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        var (lag, taskTypes, tasks, isLong) = table.MayDefer is null
            ? ("0", "null::varchar", "0", "false")
            // pg_column_size does not read the value.
            : (
                "coalesce(d.lag, 0)", "d.task_types", "d." + DocumentTable.TaskCount,
                $"pg_column_size(d.data) > {DeferredWrites.StoredBytes}");
        // A document that is read names the others itself.
        var others = $"array(select o.workspace_id from {table.QualifiedName} o where o.tenant_id = d.tenant_id "
            + $"and o.{DocumentTable.Stream} = d.id and o.{DocumentTable.Stream} is not null and o.workspace_id is not null)";
        builder.Append($"select d.id, d.mt_version, {lag}, d.workspace_id, {taskTypes}, {isLong}, ");
        builder.Append($"d.{SizedDocument.StreamBytesColumn}, d.{SizedDocument.DocumentBytesColumn}, {tasks}, ");
        builder.Append($"case when {isLong} then {others} end, ");
        builder.Append($"case when not {isLong} and d.xmin is distinct from (");
        builder.AppendParameter(keys.Select(key => _cached[key.Id].Xid).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Xid);
        builder.Append("::xid[])[array_position(");
        var ids = keys.Select(key => key.Id).ToArray();
        builder.AppendParameter(ids);
        builder.Append($", d.id)] then d.data end from {table.QualifiedName} d where d.tenant_id = ");
        builder.AppendParameter(keys[0].Account);
        builder.Append(" and d.id = any(");
        builder.AppendParameter(ids);
        builder.Append(")");
    }

    protected override (Guid Id, StoredDocument Document) Read(DbDataReader reader)
    {
        var (id, isLong) = (reader.GetGuid(0), reader.GetBoolean(5));
        return (id, new StoredDocument(
            reader.GetInt64(1),
            reader.GetInt32(2),
            reader.IsDBNull(3) ? null : reader.GetGuid(3),
            reader.IsDBNull(4) ? null : reader.GetString(4),
            reader.IsDBNull(6) || reader.IsDBNull(7) || reader.IsDBNull(8)
                ? null
                : new StreamSize(reader.GetInt64(6), reader.GetInt64(7), reader.GetInt32(8)),
            isLong,
            isLong ? null : reader.IsDBNull(10) ? _cached[id].Document : table.Read(reader.GetFieldValue<byte[]>(10)))
        {
            Others = reader.IsDBNull(9) ? [] : reader.GetFieldValue<Guid[]>(9),
        });
    }
}
