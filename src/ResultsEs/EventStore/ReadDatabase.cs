using System.Net.Sockets;
using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>
/// Where what is only read is read: from a standby that follows the primary closely, where one is configured (<c>ConnectionStrings:results_standby</c>), otherwise
/// from the primary. Whatever a standby cannot answer the primary answers, within the same request.
/// </summary>
public sealed class ReadDatabase : IDisposable
{
    private readonly bool _isBalanced;
    private readonly NpgsqlDataSource _pinned;
    private readonly OtherVersions _others;
    private uint _turn;

    internal ReadDatabase(
        NpgsqlDataSource primary, NpgsqlDataSource pinned, IReadOnlyList<Standby> standbys, bool isBalanced, DocumentRefresh refresh, OtherVersions others)
    {
        (Primary, Standbys, Refresh) = (primary, standbys, refresh);
        (_isBalanced, _pinned, _others) = (isBalanced, pinned, others);
    }

    /// <summary>The database that is written, and that knows all.</summary>
    internal NpgsqlDataSource Primary { get; }

    /// <summary>The standbys, in the order in which they are configured.</summary>
    internal IReadOnlyList<Standby> Standbys { get; }

    /// <summary>Whether documents have to be compared with their streams: nodes of another version may have appended to them.</summary>
    internal bool ComparesStreams => _others.MayWrite;

    private DocumentRefresh Refresh { get; }

    /// <summary>How far the standby is behind that is furthest behind; 0 where there is none.</summary>
    internal double LagSeconds => Standbys.Count == 0 ? 0 : Standbys.Max(standby => standby.Lag).TotalSeconds;

    /// <summary>Closes the connections to standbys.</summary>
    public void Dispose()
    {
        foreach (var standby in Standbys)
            standby.Dispose();
    }

    /// <summary>
    /// Reads a document's row by its key, in one round trip. A document that lags is caught up with its stream first, and read from the primary:
    /// the session is long, or a node of another version has appended to it.
    /// </summary>
    /// <param name="query">What is asked; its columns begin at 1.</param>
    /// <param name="key">The stream.</param>
    /// <param name="workspaces">The caller's workspaces: a document of no other is found, nor is one written for a caller who will not get it.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The default where there is no such row.</returns>
    internal async Task<T?> ReadDocumentAsync<T>(
        DocumentQuery query, StreamKey key, Guid[] workspaces, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation)
    {
        var sql = query.Sql(_others.MayWrite);
        var row = await ReadAsync(
            async (source, stop) =>
            {
                var pinned = PinnedOf(source);
                try
                {
                    await using var command = pinned.CreateCommand(sql);
                    return await RowAsync(command, stop);
                }
                catch (NpgsqlException e) when (e is not PostgresException || e.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown)
                {
                    // What broke one connection may have broken all.
                    pinned.Clear();
                    throw;
                }
            },
            cancellation,
            isGood: row => !row.Lags);
        if (!row.Lags)
            return row.Value;

        row = await Refresh.CatchUpAsync(query.Table, key, async connection =>
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await RowAsync(command, cancellation);
        }, cancellation);
        return row.Value;

        async Task<(bool Lags, T? Value)> RowAsync(NpgsqlCommand command, CancellationToken stop)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = workspaces });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
            await using var reader = await command.ExecuteReaderAsync(stop);
            if (!await reader.ReadAsync(stop))
                return default;
            return reader.GetBoolean(0) ? (true, default) : (false, read(reader));
        }
    }

    /// <summary>Reads, and only reads.</summary>
    /// <param name="read">What is asked; it may be asked twice, of two databases.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="isGood">Whether an answer of a standby will do; any does unless told otherwise.</param>
    internal Task<T> ReadAsync<T>(Func<NpgsqlDataSource, CancellationToken, Task<T>> read, CancellationToken cancellation, Predicate<T>? isGood = null) =>
        Fit() is { } standby ? ReadAsync(standby, read, isGood, cancellation) : read(Primary, cancellation);

    private NpgsqlDataSource PinnedOf(NpgsqlDataSource source) =>
        source == Primary ? _pinned : Standbys.First(standby => standby.Server.Reads == source).Server.Pinned;

    private async Task<T> ReadAsync<T>(Standby standby, Func<NpgsqlDataSource, CancellationToken, Task<T>> read, Predicate<T>? isGood, CancellationToken cancellation)
    {
        try
        {
            var answer = await Standby.PatientlyAsync(patience => read(standby.Server.Reads, patience), cancellation);
            if (isGood?.Invoke(answer) != false)
                return answer;
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException or IOException or SocketException && !cancellation.IsCancellationRequested)
        {
            standby.Failed(e);
        }

        return await read(Primary, cancellation);
    }

    private Standby? Fit()
    {
        if (Standbys.Count == 0)
            return null;

        var first = _isBalanced ? Interlocked.Increment(ref _turn) : 0;
        for (var i = 0u; i < Standbys.Count; i++)
        {
            if (Standbys[(int)((first + i) % (uint)Standbys.Count)] is { IsFit: true } standby)
                return standby;
        }

        return null;
    }
}
