namespace ResultsEs.EventStore;

/// <summary>
/// The database for reads: a standby that follows the primary closely, if any is configured (<c>ConnectionStrings:results_standby</c>),
/// otherwise the primary. What a standby cannot answer the primary answers, within the same request.
/// </summary>
public sealed class ReadDatabase : IDisposable
{
    private readonly bool _isBalanced;
    private readonly NpgsqlDataSource _pinned;
    private readonly NpgsqlDataSource _exports;
    private readonly DocumentRefresh _refresh;
    private readonly OtherVersions _others;
    private uint _turn;

    internal ReadDatabase(
        NpgsqlDataSource primary, NpgsqlDataSource pinned, NpgsqlDataSource exports, IReadOnlyList<Standby> standbys, bool isBalanced,
        DocumentRefresh refresh, OtherVersions others)
    {
        (Primary, _pinned, _exports) = (primary, pinned, exports);
        (Standbys, _isBalanced, _refresh, _others) = (standbys, isBalanced, refresh, others);
    }

    /// <summary>The database that is written.</summary>
    internal NpgsqlDataSource Primary { get; }

    /// <summary>The standbys, in configured order.</summary>
    internal IReadOnlyList<Standby> Standbys { get; }

    /// <summary>True when nodes of another version may have appended, so reads must compare documents with their streams.</summary>
    internal bool ComparesStreams => _others.MayWrite;

    /// <summary>The lag of the standby that is furthest behind; 0 when there is none.</summary>
    internal double LagSeconds => Standbys.Count == 0 ? 0 : Standbys.Max(standby => standby.Lag).TotalSeconds;

    /// <summary>Closes the connections to standbys.</summary>
    public void Dispose()
    {
        foreach (var standby in Standbys)
            standby.Server.Dispose();
    }

    /// <summary>
    /// Reads a document's row by its key, in one round trip; the query's columns begin at 1. The default is returned when there is none.
    /// A document that lags is first caught up and read from the primary; one outside the workspaces is neither found nor caught up.
    /// </summary>
    internal async Task<T?> ReadDocumentAsync<T>(
        DocumentQuery query, StreamKey key, Guid[] workspaces, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation,
        bool onPrimary = false)
    {
        var comparesStreams = _others.MayWrite;
        // The usual case goes the shortest way: it is the most frequent thing there is.
        var row = onPrimary || Standbys.Count == 0
            ? await RowAsync(_pinned, null, cancellation)
            : await ReadAsync((source, stop) => RowAsync(PinnedOf(source), null, stop), cancellation, isGood: row => !row.Lags);
        if (row.Lags)
            row = await _refresh.CatchUpAsync(query.Table, key, connection => RowAsync(_pinned, connection, cancellation), cancellation);
        return row.Value;

        async Task<(bool Lags, T? Value)> RowAsync(NpgsqlDataSource pinned, NpgsqlConnection? connection, CancellationToken stop)
        {
            try
            {
                return await FindAsync(query.Sql(comparesStreams), pinned, connection, stop)
                    ?? await FindAsync(query.SqlOfOther(comparesStreams), pinned, connection, stop)
                    ?? default;
            }
            catch (NpgsqlException e)
                when (e is not PostgresException || e.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown)
            {
                // What broke one connection may have broken all.
                pinned.Clear();
                throw;
            }
        }

        async Task<(bool Lags, T? Value)?> FindAsync(
            string sql, NpgsqlDataSource pinned, NpgsqlConnection? connection, CancellationToken stop)
        {
            await using var command = connection is null ? pinned.CreateCommand(sql) : new NpgsqlCommand(sql, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = workspaces });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
            await using var reader = await command.ExecuteReaderAsync(stop);
            if (!await reader.ReadAsync(stop))
                return null;
            return reader.GetBoolean(0) ? (true, default) : (false, read(reader));
        }
    }

    /// <summary>Runs a read on a fit standby, or else on the primary: when there is none, it fails, or its answer is not good.</summary>
    internal async Task<T> ReadAsync<T>(
        Func<NpgsqlDataSource, CancellationToken, Task<T>> read, CancellationToken cancellation, Predicate<T>? isGood = null)
    {
        if (Fit() is { } standby)
        {
            try
            {
                var answer = await Standby.PatientlyAsync(patience => read(standby.Server.Reads, patience), cancellation);
                if (isGood?.Invoke(answer) != false)
                    return answer;
            }
            catch (Exception e)
                when (e is NpgsqlException or OperationCanceledException or TimeoutException or IOException or SocketException
                    && !cancellation.IsCancellationRequested)
            {
                standby.Failed(e);
            }
        }

        return await read(Primary, cancellation);
    }

    /// <summary>
    /// Runs a read of changes, with the time before which it sees all of them. The first read of a walk passes none; the others pass that
    /// of the first, and are answered by a server that shows as much.
    /// </summary>
    internal async Task<T> ReadChangesAsync<T>(
        DateTimeOffset? completeTo, Func<NpgsqlDataSource, DateTimeOffset, CancellationToken, Task<T>> read,
        CancellationToken cancellation)
    {
        var answer = await ReadAsync(
            async (source, stop) => await CompleteToAsync(source, completeTo, stop) is { } time
                ? (IsComplete: true, Value: await read(source, time, stop))
                : (IsComplete: false, Value: default(T)!),
            cancellation,
            isGood: answer => answer.IsComplete);
        return answer.Value;
    }

    /// <summary>The connections for exports to the server of <paramref name="source"/>, so that they take none of other readers.</summary>
    internal NpgsqlDataSource ExportsOf(NpgsqlDataSource source) =>
        source == Primary ? _exports : Standbys.First(standby => standby.Server.Reads == source).Server.Exports;

    private async Task<DateTimeOffset?> CompleteToAsync(NpgsqlDataSource source, DateTimeOffset? least, CancellationToken cancellation) =>
        source == Primary
            ? least ?? await ChangeClock.CompleteToAsync(_pinned, cancellation)
            : await Standbys.First(standby => standby.Server.Reads == source).CompleteToAsync(least, cancellation);

    private NpgsqlDataSource PinnedOf(NpgsqlDataSource source) =>
        source == Primary ? _pinned : Standbys.First(standby => standby.Server.Reads == source).Server.Pinned;

    private Standby? Fit()
    {
        var first = _isBalanced ? Interlocked.Increment(ref _turn) : 0;
        for (var i = 0u; i < Standbys.Count; i++)
        {
            if (Standbys[(int)((first + i) % (uint)Standbys.Count)] is { IsFit: true } standby)
                return standby;
        }

        return null;
    }
}
