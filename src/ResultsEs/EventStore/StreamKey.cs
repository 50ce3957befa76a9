using Npgsql;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>A stream of an account.</summary>
/// <param name="Account">The tenant.</param>
/// <param name="Id">The stream, and its document.</param>
internal readonly record struct StreamKey(string Account, Guid Id);

/// <summary>Streams as parameters and rows of statements.</summary>
internal static class StreamKeys
{
    /// <summary>Adds keys as two arrays, accounts and ids.</summary>
    public static void AddKeys(this NpgsqlParameterCollection parameters, IEnumerable<StreamKey> streams)
    {
        var keys = streams.ToList();
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.Account)] });
        parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. keys.Select(key => key.Id)] });
    }

    /// <summary>The streams that a statement answers with, account and id of each.</summary>
    public static async Task<List<StreamKey>> ReadKeysAsync(this NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var streams = new List<StreamKey>();
        while (await reader.ReadAsync(cancellation))
            streams.Add(new StreamKey(reader.GetString(0), reader.GetGuid(1)));
        return streams;
    }
}
