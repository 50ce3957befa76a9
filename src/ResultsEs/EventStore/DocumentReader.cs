using Npgsql;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>Reads documents that may lag, with the events that they lack folded in. It writes nothing.</summary>
internal static class DocumentReader
{
    /// <summary>Reads documents of one account as they are once caught up with their streams; those that are not stored are left out.</summary>
    /// <param name="connection">Where; the streams are locked, or may be seen as of any moment.</param>
    /// <param name="table">The documents' table.</param>
    /// <param name="streams">Which documents.</param>
    /// <param name="take">Takes each.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task ReadCaughtUpAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamKey> streams, Action<StreamKey, object> take, CancellationToken cancellation = default)
    {
        if (streams.Count == 0)
            return;

        var documents = new Dictionary<StreamKey, object>();
        var lacking = new List<StreamPart>();
        // The primary key (tenant_id, id) finds the rows.
        await using (var command = new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.data, d.mt_version, coalesce(d.lag, 0)
            from unnest($1, $2) k(tenant_id, id)
            join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            """, connection))
        {
            command.Parameters.AddKeys(streams);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
            {
                var (key, version) = (new StreamKey(reader.GetString(0), reader.GetGuid(1)), reader.GetInt64(3));
                documents.Add(key, table.Read(reader.GetFieldValue<byte[]>(2)));
                if (reader.GetInt32(4) is > 0 and var lag)
                    lacking.Add(new StreamPart(key, version, version + lag));
            }
        }

        await foreach (var part in StoredStreams.ReadPartsAsync(connection, table, lacking, cancellation))
            documents[part.Key] = table.Fold(part.Key.Id, documents[part.Key], part.ReadableEvents);
        foreach (var (key, document) in documents)
            take(key, document);
    }
}
