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
    private readonly KeptConnections _kept;
    private uint _turn;

    internal ReadDatabase(NpgsqlDataSource primary, IReadOnlyList<Standby> standbys, bool isBalanced)
    {
        (Primary, Standbys) = (primary, standbys);
        _isBalanced = isBalanced;
        _kept = new KeptConnections(primary);
    }

    /// <summary>The database that is written, and that knows all.</summary>
    internal NpgsqlDataSource Primary { get; }

    /// <summary>The standbys, in the order in which they are configured.</summary>
    internal IReadOnlyList<Standby> Standbys { get; }

    /// <summary>How far the standby is behind that is furthest behind; 0 where there is none.</summary>
    internal double LagSeconds => Standbys.Count == 0 ? 0 : Standbys.Max(standby => standby.Lag).TotalSeconds;

    /// <summary>Closes the connections to standbys; of the primary's only those that are kept are this one's.</summary>
    public void Dispose()
    {
        _kept.Dispose();
        foreach (var standby in Standbys)
            standby.Dispose();
    }

    /// <summary>Connections for reads of a row by its key, of a source that <see cref="ReadAsync{T}(Func{NpgsqlDataSource, CancellationToken, Task{T}}, CancellationToken, Predicate{T}?)"/> gave.</summary>
    internal KeptConnections Kept(NpgsqlDataSource source) => source == Primary ? _kept : Standbys.First(standby => standby.Server.Reads == source).Server.Kept;

    /// <summary>Reads, and only reads.</summary>
    /// <param name="read">What is asked; it may be asked twice, of two databases.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="isGood">Whether an answer of a standby will do; any does unless told otherwise.</param>
    internal Task<T> ReadAsync<T>(Func<NpgsqlDataSource, CancellationToken, Task<T>> read, CancellationToken cancellation, Predicate<T>? isGood = null) =>
        Fit() is { } standby ? ReadAsync(standby, read, isGood, cancellation) : read(Primary, cancellation);

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
