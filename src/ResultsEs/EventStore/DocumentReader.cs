namespace ResultsEs.EventStore;

/// <summary>A reader of documents that may lag: it folds in the events that they lack, and writes nothing.</summary>
internal static class DocumentReader
{
    /// <summary>Reads these documents, if stored, caught up with their streams. Lock the streams if they may change meanwhile.</summary>
    public static async Task<IReadOnlyDictionary<StreamKey, object>> ReadCaughtUpAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation = default)
    {
        if (streams.Count == 0)
            return new Dictionary<StreamKey, object>();

        // The primary key (tenant_id, id) finds the rows.
        var rows = await new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.data, d.mt_version, coalesce(d.lag, 0)
            from unnest($1, $2) k(tenant_id, id)
            join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            """, connection).ReadAllAsync(
            streams.ToParameters(),
            reader => (Key: reader.ReadKey(), Json: reader.GetFieldValue<byte[]>(2), Version: reader.GetInt64(3), Lag: reader.GetInt32(4)),
            cancellation);
        var documents = rows.ToDictionary(row => row.Key, row => table.Read(row.Json));
        var lacking = rows.Where(row => row.Lag > 0).Select(row => new StreamPart(row.Key, row.Version, row.Version + row.Lag)).ToList();
        await foreach (var part in StoredStreams.ReadPartsAsync(connection, table, lacking, cancellation))
            documents[part.Key] = table.Fold(part.Key.Id, documents[part.Key], part.ReadableEvents);
        return documents;
    }
}
