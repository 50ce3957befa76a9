namespace ResultsEs.Common;

/// <summary>Work on a batch that is taken apart where it fails: by halves, until the item is alone that makes it fail.</summary>
internal static class TakenApart
{
    /// <summary>
    /// Runs <paramref name="work"/>, which does all or nothing of its items, on each item once with success. An item that fails alone, by
    /// its own fault, is handed to <paramref name="setAside"/>. Any other failure is thrown.
    /// </summary>
    public static async Task RunAsync<T>(IReadOnlyList<T> items, Func<IReadOnlyList<T>, Task> work, Func<T, Exception, Task> setAside)
    {
        if (items.Count == 0)
            return;

        try
        {
            await work(items);
            return;
        }
        catch (Exception e) when (items.Count == 1 && IsItemsOwn(e))
        {
            await setAside(items[0], e);
            return;
        }
        catch (Exception e) when (IsItemsOwn(e))
        {
            // One of them fails, or several do.
        }

        var half = items.Count / 2;
        await RunAsync([.. items.Take(half)], work, setAside);
        await RunAsync([.. items.Skip(half)], work, setAside);
    }

    /// <summary>
    /// True when what an item holds may be the cause. False for what concerns the database, the network, the program's memory or its end,
    /// where every item would fail alike. https://www.postgresql.org/docs/current/errcodes-appendix.html
    /// </summary>
    public static bool IsItemsOwn(Exception failure) => failure switch
    {
        // Invalid values, violated constraints, exceeded limits of the program, and internal errors, such as a row that cannot be read.
        PostgresException { SqlState: [.. var kind, _, _, _] } => kind is "22" or "23" or "54" or "XX",
        NpgsqlException or OperationCanceledException or TimeoutException or SocketException or IOException => false,
        OutOfMemoryException or ObjectDisposedException => false,
        AggregateException many => many.InnerExceptions.All(IsItemsOwn),
        _ => failure.InnerException is null || IsItemsOwn(failure.InnerException),
    };
}
