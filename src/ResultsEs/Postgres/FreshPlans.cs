using System.Collections.Concurrent;
using System.Numerics;
using Npgsql;

namespace ResultsEs.Postgres;

/// <summary>
/// When a connection's prepared statements are to be planned anew. A plan is kept until its tables are analyzed, which PostgreSQL does a minute or so after they have grown; one that was made while
/// they were empty asks an index for the account alone and then looks at all it has. So it is made again each time that the connection has committed twice as much.
/// </summary>
internal static class FreshPlans
{
    private const int First = 8;

    // By the server's process, so that it is kept while the connection lies in the pool. What another connection left to a process of the same number only says when to plan again.
    private static readonly ConcurrentDictionary<int, int> Uses = new();

    /// <summary>Counts a use of the connection, and tells whether its plans are to be discarded before it.</summary>
    public static bool AreDue(NpgsqlConnection connection) => IsDue(Uses.AddOrUpdate(connection.ProcessID, 1, (_, before) => before == int.MaxValue ? First : before + 1));

    /// <summary>Whether plans are discarded before a connection's n-th use.</summary>
    internal static bool IsDue(int n) => n >= First && BitOperations.IsPow2(n);
}
