using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;

namespace ResultsEs.EventStore;

/// <summary>An upsert, in one statement of Marten's unit of work, of all documents that projections make in a commit.</summary>
internal sealed class UpsertDocuments(DocumentTable table) : Marten.Internal.Operations.IStorageOperation
{
    /// <summary>The documents. The projection adds to them until the statement is made.</summary>
    public List<DocumentWrite> Documents { get; } = [];

    public Type DocumentType => table.DocumentType;

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        using var command = table.Upsert(table.Name, Documents);
        StatementOperation.Append(builder, command);
    }

    public Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token) => Task.CompletedTask;
}

/// <summary>
/// A statement of Marten's unit of work, made when the unit is sent. It comes after the statements of the same document type that were
/// queued before it. Each positional parameter occurs once, in order.
/// </summary>
internal sealed class StatementOperation(Type documentType, Func<NpgsqlCommand> make)
    : Marten.Internal.Operations.IStorageOperation, NoDataReturnedCall
{
    public Type DocumentType => documentType;

    public static void Append(ICommandBuilder builder, NpgsqlCommand command)
    {
        var rest = command.CommandText.AsSpan();
        for (var i = 0; i < command.Parameters.Count; i++)
        {
            var placeholder = $"${i + 1}";
            var at = rest.IndexOf(placeholder, StringComparison.Ordinal);
            builder.Append(rest[..at].ToString());
            builder.AppendParameter(command.Parameters[i].Value!, command.Parameters[i].NpgsqlDbType);
            rest = rest[(at + placeholder.Length)..];
        }

        builder.Append(rest.ToString());
    }

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        using var command = make();
        Append(builder, command);
    }

    public Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token) => Task.CompletedTask;
}
