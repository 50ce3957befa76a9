using System.Data.Common;
using JasperFx;
using Marten.Internal.Operations;
using Npgsql;
using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;

namespace ResultsEs.EventStore;

/// <summary>A statement of ours in a Marten session's unit of work.</summary>
internal abstract class AppendOperation(DocumentTable table) : Marten.Internal.Operations.IStorageOperation
{
    /// <inheritdoc/>
    public Type DocumentType => table.DocumentType;

    /// <summary>The table that it writes.</summary>
    protected DocumentTable Table => table;

    /// <inheritdoc/>
    public OperationRole Role() => OperationRole.Other;

    /// <inheritdoc/>
    public abstract void ConfigureCommand(ICommandBuilder builder, IStorageSession session);

    /// <inheritdoc/>
    public Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token) => Task.CompletedTask;

    /// <summary>Appends a statement whose parameters are each named once, in their order.</summary>
    protected static void Append(ICommandBuilder builder, NpgsqlBatchCommand command)
    {
        var rest = command.CommandText.AsSpan();
        for (var i = 0; i < command.Parameters.Count; i++)
        {
            var at = rest.IndexOf($"${i + 1}", StringComparison.Ordinal);
            builder.Append(rest[..at].ToString());
            var parameter = command.Parameters[i];
            builder.AppendParameter(parameter.Value!, parameter.NpgsqlDbType);
            rest = rest[(at + $"${i + 1}".Length)..];
        }

        builder.Append(rest.ToString());
    }
}

/// <summary>Stores the documents that the inline projection makes in a commit, in one statement.</summary>
internal sealed class UpsertDocuments(DocumentTable table) : AppendOperation(table)
{
    /// <summary>The documents; the projection adds to them until the statement is made.</summary>
    public List<DocumentWrite> Documents { get; } = [];

    /// <inheritdoc/>
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session) => Append(builder, Table.Upsert(Table.Name, Documents));
}

/// <summary>Notes in the rows of documents by how many events more they lag. Lists of changes have them, so the rows are modified now.</summary>
internal sealed class DeferDocuments(DocumentTable table, IReadOnlyList<LockedStream> streams) : AppendOperation(table)
{
    /// <inheritdoc/>
    public override void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        builder.Append($"update {Table.QualifiedName} d set lag = coalesce(d.lag, 0) + v.more, mt_last_modified = transaction_timestamp() from unnest(");
        builder.AppendParameter(streams.Select(stream => stream.Key.Id).ToArray());
        builder.Append(", ");
        builder.AppendParameter(streams.Select(stream => stream.Appended.Count).ToArray());
        builder.Append(") v(id, more) where d.tenant_id = ");
        builder.AppendParameter(streams[0].Key.Account);
        builder.Append(" and d.id = v.id");
    }
}
