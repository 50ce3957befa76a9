using System.Collections.Concurrent;
using System.Numerics;
using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>
/// When a connection's prepared statements are to be planned anew. A plan is kept until its tables are analyzed, which PostgreSQL does a minute or so after they have grown; one that was made while
/// they were empty asks an index for the account alone and then looks at all it has. So it is made again each time that the connection has been used twice as often.
/// </summary>
internal static class FreshPlans
{
    private const int First = 8;
    private const int MostConnections = 10_000;

    // By the server's process, so that it is kept while the connection lies in the pool. What another connection left to a process of the same number only says when to plan again.
    private static readonly ConcurrentDictionary<int, int> Uses = new();

    /// <summary>Counts a use of the connection, and discards its plans when they are due.</summary>
    public static async Task SeeToAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var uses = Uses.AddOrUpdate(connection.ProcessID, 1, static (_, before) => before == int.MaxValue ? First : before + 1);
        // Most of so many are closed long since; the others are planned anew a few times more.
        if (uses == 1 && Uses.Count > MostConnections)
            Uses.Clear();
        if (!IsDue(uses))
            return;

        await using var command = new NpgsqlCommand("discard plans", connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Whether plans are discarded before a connection's n-th use.</summary>
    internal static bool IsDue(int n) => n >= First && BitOperations.IsPow2(n);
}
