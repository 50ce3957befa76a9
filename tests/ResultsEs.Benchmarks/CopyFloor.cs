using System.Diagnostics;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The fastest way of rows into PostgreSQL: the events of <see cref="Sessions"/>, made and read beforehand, by binary COPY into a table like the service's with its indexes, on two
/// connections, a commit every 10,000 rows. No HTTP, no document, nothing looked at. Says how many seconds that took.
/// </summary>
internal static class CopyFloor
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "floor";

    public const string Table = "results.w2_floor_events";

    /// <summary>How many rows it writes.</summary>
    public const int Rows = 200_000;

    private const int RowsPerCommit = 10_000;
    private const int Connections = 2;

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        await Postgres.ExecuteAsync(database, $"create table if not exists {Table} (like results.mt_events including defaults including indexes)", cancellation);
        var stored = await Postgres.AskAsync<long>(database, $"select count(*) from {Table}", cancellation);
        var first = (int)(stored / Sessions.EventsPerSession);
        var chunks = Enumerable.Range(first, Rows / Sessions.EventsPerSession).Chunk(RowsPerCommit / Sessions.EventsPerSession)
            .Select(chunk => chunk.SelectMany(session => Sessions.Events(session).Select((json, i) => new Row(((long)session * Sessions.EventsPerSession) + i + 1, i + 1, FloorEvent.Read(json)))).ToArray())
            .ToArray();
        await using var source = NpgsqlDataSource.Create(database);
        var connections = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => source.OpenConnectionAsync(cancellation).AsTask()));

        var watch = Stopwatch.StartNew();
        await Task.WhenAll(connections.Select((connection, part) => Task.Run(
            async () =>
            {
                for (var i = part; i < chunks.Length; i += Connections)
                {
                    await using var copy = await connection.BeginBinaryImportAsync(
                        $"copy {Table} (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type, headers, is_archived) from stdin (format binary)", cancellation);
                    foreach (var (position, version, stored) in chunks[i])
                    {
                        copy.StartRow();
                        copy.Write(position, NpgsqlDbType.Bigint);
                        copy.Write(stored.Id, NpgsqlDbType.Uuid);
                        copy.Write(stored.Session, NpgsqlDbType.Uuid);
                        copy.Write(version, NpgsqlDbType.Bigint);
                        copy.Write(stored.Data, NpgsqlDbType.Jsonb);
                        copy.Write(stored.Type, NpgsqlDbType.Varchar);
                        copy.Write(stored.Time, NpgsqlDbType.TimestampTz);
                        copy.Write(Service.Account, NpgsqlDbType.Varchar);
                        copy.Write("ResultsEs.Contracts.SessionEvent, ResultsEs", NpgsqlDbType.Varchar);
                        copy.Write(stored.Headers, NpgsqlDbType.Jsonb);
                        copy.Write(false, NpgsqlDbType.Boolean);
                    }

                    await copy.CompleteAsync(cancellation);
                }
            },
            cancellation)));
        Console.WriteLine(watch.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }

    private sealed record Row(long Position, long Version, FloorEvent Event);
}
