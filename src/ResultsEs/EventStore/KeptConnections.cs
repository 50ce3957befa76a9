using System.Collections.Concurrent;
using System.Data;
using System.Diagnostics;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;

namespace ResultsEs.EventStore;

/// <summary>
/// Connections that stay out of their pool between uses that leave nothing behind: reads of a row by its key, and commits. A pool has what comes back to it reset (locks, settings, cursors) before
/// it is used again, which is as much work as such a read. State: the connections that nobody uses. Whoever takes one owns it until it is put back or closed.
/// </summary>
internal sealed class KeptConnections : IDisposable
{
    // As often as Npgsql looks whether a host is still what it was; then the pool decides again.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _source;
    private readonly ConcurrentStack<Kept> _idle = new();
    private readonly int _most;
    private int _count;
    private bool _isClosed;

    public KeptConnections(NpgsqlDataSource source)
    {
        _source = source;
        // Most of a pool is for everybody.
        _most = new NpgsqlConnectionStringBuilder(source.ConnectionString).MaxPoolSize / 4;
    }

    /// <summary>Reads at most one row; the default where there is none.</summary>
    /// <param name="sql">One of a few statements, which only read: by account ($1), workspaces ($2) and id ($3).</param>
    /// <param name="caller">Whom it is confined to.</param>
    /// <param name="id">What is asked for.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<T?> ReadRowAsync<T>(string sql, Caller caller, Guid id, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation) =>
        UseAsync(kept => kept.ReadRowAsync(sql, caller, id, read, cancellation), cancellation);

    /// <summary>Uses a connection.</summary>
    /// <param name="use">Leaves nothing behind on it but prepared statements, unless it throws: then the pool gets it.</param>
    /// <param name="cancellation">Stops the waiting for a connection.</param>
    public Task<T> UseAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellation) => UseAsync(kept => use(kept.Connection), cancellation);

    private async Task<T> UseAsync<T>(Func<Kept, Task<T>> use, CancellationToken cancellation)
    {
        var kept = Take() ?? new Kept(await _source.OpenConnectionAsync(cancellation));
        try
        {
            await FreshPlans.SeeToAsync(kept.Connection, cancellation);
            var result = await use(kept);
            Put(kept);
            return result;
        }
        catch
        {
            // What broke one may have broken all.
            var isBroken = kept.IsBroken;
            kept.Dispose();
            if (isBroken)
                Clear();
            throw;
        }
    }

    /// <summary>Closes what nobody uses.</summary>
    public void Clear()
    {
        while (_idle.TryPop(out var kept))
        {
            Interlocked.Decrement(ref _count);
            kept.Dispose();
        }
    }

    /// <summary>Closes what nobody uses, and from now on whatever is put back.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _isClosed, true);
        Clear();
    }

    private Kept? Take()
    {
        while (_idle.TryPop(out var kept))
        {
            Interlocked.Decrement(ref _count);
            if (!kept.IsOld)
                return kept;
            kept.Dispose();
        }

        return null;
    }

    private void Put(Kept kept)
    {
        if (kept.IsOld || Volatile.Read(ref _count) >= _most)
        {
            kept.Dispose();
            return;
        }

        Interlocked.Increment(ref _count);
        _idle.Push(kept);
        if (Volatile.Read(ref _isClosed))
            Clear();
    }

    /// <summary>A connection with its statements, which one read uses at a time.</summary>
    private sealed class Kept(NpgsqlConnection connection) : IDisposable
    {
        private readonly long _opened = Stopwatch.GetTimestamp();
        private readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);

        public NpgsqlConnection Connection => connection;

        public bool IsOld => Stopwatch.GetElapsedTime(_opened) > Longest;

        public bool IsBroken => connection.State != ConnectionState.Open;

        public async Task<T?> ReadRowAsync<T>(string sql, Caller caller, Guid id, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation)
        {
            if (!_statements.TryGetValue(sql, out var statement))
            {
                statement = new Statement(new NpgsqlCommand(sql, connection));
                // Rows are found by whole keys, so that one plan is good for all.
                await statement.Command.PrepareAsync(cancellation);
                _statements.Add(sql, statement);
            }

            statement.Set(caller, id);
            await using var reader = await statement.Command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? read(reader) : default;
        }

        public void Dispose()
        {
            foreach (var statement in _statements.Values)
                statement.Command.Dispose();
            connection.Dispose();
        }
    }

    /// <summary>A prepared command, whose parameters are used again.</summary>
    private sealed class Statement
    {
        private readonly NpgsqlParameter<string> _account = new() { TypedValue = "" };
        private readonly NpgsqlParameter<Guid[]> _workspaces = new() { TypedValue = [] };
        private readonly NpgsqlParameter<Guid> _id = new();

        public Statement(NpgsqlCommand command)
        {
            Command = command;
            command.Parameters.Add(_account);
            command.Parameters.Add(_workspaces);
            command.Parameters.Add(_id);
        }

        public NpgsqlCommand Command { get; }

        public void Set(Caller caller, Guid id) => (_account.TypedValue, _workspaces.TypedValue, _id.TypedValue) = (Tenant.Of(caller.Account), caller.Workspaces, id);
    }
}
