using System.Threading.Channels;

namespace ResultsEs.Access;

/// <summary>
/// The audit. <see cref="Note"/> is for what happens often: it puts an entry into memory, and <see cref="AuditWriter"/> stores it within a
/// second. <see cref="WriteAsync"/> is for what may not be lost: it stores an entry in the transaction of what it tells.
/// </summary>
internal sealed class Audit(TimeProvider time)
{
    /// <summary>The most entries that wait in memory. Beyond it they are counted and said to be lacking, and nobody waits.</summary>
    public const int MaxWaiting = 20_000;

    /// <summary>The table.</summary>
    public const string Table = "results.audit";

    private const string Columns = "at, kind, action, outcome, account, client, subject, address, times";

    private static readonly Counter<long> Dropped = Instruments.Meter.CreateCounter<long>(
        "results.audit.dropped", "{entry}", "Entries of the audit that were not stored because too many waited");

    private readonly Channel<AuditEntry> _waiting = Channel.CreateBounded<AuditEntry>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private long _dropped;

    /// <summary>Entries that wait to be stored.</summary>
    public ChannelReader<AuditEntry> Waiting => _waiting.Reader;

    /// <summary>Notes an entry, at this moment. Never waits.</summary>
    public void Note(AuditEntry entry)
    {
        if (_waiting.Writer.TryWrite(entry with { At = time.GetUtcNow().UtcDateTime }))
            return;

        Interlocked.Increment(ref _dropped);
        Dropped.Add(1);
    }

    /// <summary>The number of entries that were dropped since the last call.</summary>
    public long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    /// <summary>Stores an entry, in the connection's transaction if it has one.</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, AuditEntry entry, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"insert into {Table} ({Columns}) values (clock_timestamp(), $1, $2, $3, $4::uuid, $5, $6, $7, 1)", connection);
        foreach (var text in new[]
        {
            entry.KindText, entry.Action, entry.Outcome, entry.Account?.ToString(), entry.Client, entry.Subject, entry.Address?.ToString(),
        })
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Varchar, Value = (object?)text ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Stores entries, in one statement. Equal ones are one row.</summary>
    public static async Task CopyAsync(NpgsqlDataSource database, IReadOnlyList<AuditEntry> entries, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // They have been in memory alone until now: waiting for the disk would keep none of them safe.
        await using (var lazily = new NpgsqlCommand("set local synchronous_commit = off", connection))
            await lazily.ExecuteNonQueryAsync(cancellation);
        await using (var copy = await connection.BeginBinaryImportAsync(
            $"copy {Table} ({Columns}) from stdin (format binary)", cancellation))
        {
            foreach (var same in entries.GroupBy(entry => entry.Key))
            {
                var entry = same.First();
                await copy.StartRowAsync(cancellation);
                await copy.WriteAsync(entry.At, NpgsqlDbType.TimestampTz, cancellation);
                await WriteTextAsync(copy, entry.KindText, cancellation);
                await WriteTextAsync(copy, entry.Action, cancellation);
                await WriteTextAsync(copy, entry.Outcome, cancellation);
                if (entry.Account is { } account)
                    await copy.WriteAsync(account, NpgsqlDbType.Uuid, cancellation);
                else
                    await copy.WriteNullAsync(cancellation);
                await WriteTextAsync(copy, entry.Client, cancellation);
                await WriteTextAsync(copy, entry.Subject, cancellation);
                await WriteTextAsync(copy, entry.Address?.ToString(), cancellation);
                await copy.WriteAsync(same.Count(), NpgsqlDbType.Integer, cancellation);
            }

            await copy.CompleteAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter copy, string? text, CancellationToken cancellation) =>
        text is null ? copy.WriteNullAsync(cancellation) : copy.WriteAsync(text, NpgsqlDbType.Varchar, cancellation);
}
