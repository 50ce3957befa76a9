using System.Data.Common;
using Marten.Linq.QueryHandlers;
using NpgsqlTypes;
using ResultsEs.TestResults;
using Weasel.Postgresql;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>A query of a batch whose statement has the same text whatever it is asked, so that it is prepared once a connection.</summary>
internal abstract class AppendQuery<T> : IQueryHandler<T>
{
    /// <inheritdoc/>
    public abstract void ConfigureCommand(ICommandBuilder builder, IStorageSession session);

    /// <inheritdoc/>
    public abstract Task<T> HandleAsync(DbDataReader reader, IStorageSession session, CancellationToken token);

    /// <inheritdoc/>
    public Task<int> StreamJson(Stream stream, DbDataReader reader, CancellationToken token) => throw new NotSupportedException();
}

/// <summary>A stream as it is stored.</summary>
internal readonly record struct StreamRow(Guid Id, long Version, string? Type);

/// <summary>Locks streams, and tells the transaction's time and id.</summary>
internal sealed class LockStreams(string account, Guid[] ids) : AppendQuery<(DateTimeOffset Now, uint Xid, IReadOnlyList<StreamRow> Rows)>
{
    /// <inheritdoc/>
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        // In one order everywhere, so that row locks cannot wait in a circle. The primary key (tenant_id, id) finds the rows.
        builder.Append(
            """
            select now(), pg_current_xact_id()::xid, s.id, s.version, s.type
            from (select 1) one left join lateral (
              select l.id, l.version, l.type from results.mt_streams l where l.tenant_id =
            """);
        builder.Append(' ');
        builder.AppendParameter(account);
        builder.Append(" and l.id = any(");
        builder.AppendParameter(ids);
        builder.Append(") order by l.id for update) s on true");
    }

    /// <inheritdoc/>
    public override async Task<(DateTimeOffset Now, uint Xid, IReadOnlyList<StreamRow> Rows)> HandleAsync(
        DbDataReader reader, IStorageSession session, CancellationToken token)
    {
        var rows = new List<StreamRow>();
        var (now, xid) = (default(DateTimeOffset), 0u);
        while (await reader.ReadAsync(token))
        {
            (now, xid) = (reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<uint>(1));
            if (!reader.IsDBNull(2))
                rows.Add(new StreamRow(reader.GetGuid(2), reader.GetInt64(3), reader.IsDBNull(4) ? null : reader.GetString(4)));
        }

        return (now, xid, rows);
    }
}

/// <summary>Finds the events that an account has under given ids.</summary>
internal sealed class FindEvents(string account, Guid[] ids) : AppendQuery<IReadOnlyList<StoredEvent>>
{
    /// <inheritdoc/>
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        // By the unique index on (tenant_id, id).
        builder.Append("select e.id, e.stream_id, e.type, e.headers ->> 'time', e.data from results.mt_events e where e.tenant_id = ");
        builder.AppendParameter(account);
        builder.Append(" and e.id = any(");
        builder.AppendParameter(ids);
        builder.Append(")");
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<StoredEvent>> HandleAsync(DbDataReader reader, IStorageSession session, CancellationToken token)
    {
        var events = new List<StoredEvent>();
        while (await reader.ReadAsync(token))
            events.Add(StoredEvent.Read(reader));
        return events;
    }
}

/// <summary>Reads documents of locked streams, but for those that are cached as they are and those that are long.</summary>
internal sealed class ReadDocuments(DocumentTable table, DocumentCache cache, IReadOnlyList<StreamKey> keys) : AppendQuery<IReadOnlyList<(Guid, StoredDocument)>>
{
    private readonly Dictionary<Guid, (uint Xid, object? Document)> _cached = keys.ToDictionary(key => key.Id, cache.Find);

    /// <inheritdoc/>
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        var (lag, taskTypes, isLong) = table.MayDefer is null
            ? ("0", "null::varchar", "false")
            // What a value takes as it is stored is known without reading it.
            : ("coalesce(d.lag, 0)", "d.task_types", $"pg_column_size(d.data) > {DeferredWrites.StoredBytes}");
        builder.Append($"select d.id, d.mt_version, {lag}, d.workspace_id, {taskTypes}, {isLong}, case when not {isLong} and d.xmin is distinct from (");
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

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<(Guid, StoredDocument)>> HandleAsync(DbDataReader reader, IStorageSession session, CancellationToken token)
    {
        var documents = new List<(Guid, StoredDocument)>();
        while (await reader.ReadAsync(token))
        {
            var (id, isLong) = (reader.GetGuid(0), reader.GetBoolean(5));
            var value = isLong ? null : reader.IsDBNull(6) ? _cached[id].Document : table.Read(reader.GetFieldValue<byte[]>(6));
            documents.Add((id, new StoredDocument(
                reader.GetInt64(1),
                reader.GetInt32(2),
                reader.IsDBNull(3) ? null : reader.GetGuid(3),
                reader.IsDBNull(4) ? null : reader.GetString(4),
                isLong,
                value)));
        }

        return documents;
    }
}
