using JasperFx;
using Marten;
using Marten.Services.BatchQuerying;
using Npgsql;
using ResultsEs.Media;
using ResultsEs.SessionResults;

namespace ResultsEs.Ingestion;

/// <summary>A stream that is being written, whatever it folds into.</summary>
internal sealed class TargetStream
{
    private readonly Action<IncomingEvent> _append;
    private readonly bool _isUnfolded;

    private TargetStream(Guid id, bool isOfReel, Guid? workspace, bool isUnfolded, bool isBehind, Action<IncomingEvent> append) =>
        (Id, IsOfReel, Workspace, _isUnfolded, IsBehind, _append) = (id, isOfReel, workspace, isUnfolded, isBehind, append);

    /// <summary>The stream: the events' <c>subject</c>.</summary>
    public Guid Id { get; }

    /// <summary>Whether it is a highlight reel's and not a session's.</summary>
    public bool IsOfReel { get; private set; }

    /// <summary>The workspace it belongs to; null until that is known.</summary>
    public Guid? Workspace { get; private set; }

    /// <summary>Whether its document does not hold all its events: a node of another version appended them (<see cref="SessionResultTable.Version"/>).</summary>
    public bool IsBehind { get; private set; }

    /// <summary>Whether something was appended that changes what the session adds to its test's totals.</summary>
    public bool CountsInTest { get; private set; }

    /// <summary>What such a stream is of, in a refusal.</summary>
    public static string Kind(bool isOfReel) => isOfReel ? "highlight reel" : "session";

    /// <summary>
    /// Fetches the stream for writing, as part of a batched query. It is locked before its document is read, so that a document that is repaired or rebuilt
    /// meanwhile (<see cref="Refolding"/>) is never overwritten by what was folded onto the one before.
    /// </summary>
    public static async Task<TargetStream> FetchAsync<T>(IBatchedQuery batch, Guid id, Func<T, Guid?> workspace)
        where T : class, ILongVersioned
    {
        var stream = await batch.Events.FetchForExclusiveWriting<T>(id);
        return new TargetStream(
            id,
            typeof(T) == typeof(HighlightReel),
            stream.Aggregate is { } aggregate ? workspace(aggregate) : null,
            isUnfolded: stream.CurrentVersion > 0 && stream.Aggregate is null,
            isBehind: stream.Aggregate is { } document && document.Version != stream.CurrentVersion,
            incoming => stream.AppendOne(StoredEvent.Envelope(incoming)));
    }

    /// <summary>
    /// Finds out about the streams that have events and yet no such document: they are of something else than their new events say, or behind.
    /// Asks the database only when there is one.
    /// </summary>
    public static async Task ExplainUnfoldedAsync(IDocumentSession session, Dictionary<Guid, TargetStream> streams)
    {
        var unfolded = streams.Values.Where(stream => stream._isUnfolded).Select(stream => stream.Id).ToArray();
        if (unfolded.Length == 0)
            return;

        // The primary keys (tenant_id, id) find the streams and their documents.
        await using var command = new NpgsqlCommand(
            $"""
            select s.id, s.type, coalesce(d.workspace_id, r.workspace_id), coalesce(d.mt_version, r.mt_version) is distinct from s.version
            from results.mt_streams s
            left join {SessionResultTable.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
            left join results.mt_doc_highlight_reel r on r.tenant_id = s.tenant_id and r.id = s.id
            where s.tenant_id = $1 and s.id = any($2)
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = session.TenantId });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = unfolded });
        await using var reader = await session.ExecuteReaderAsync(command);
        while (await reader.ReadAsync())
        {
            var stream = streams[reader.GetGuid(0)];
            stream.IsOfReel = reader.GetString(1) == HighlightReel.Alias;
            stream.Workspace = reader.IsDBNull(2) ? null : reader.GetGuid(2);
            stream.IsBehind = reader.GetBoolean(3);
        }
    }

    /// <summary>Appends an event that is new.</summary>
    public void Append(IncomingEvent incoming)
    {
        CountsInTest |= incoming.Type.CountsInTest;
        _append(incoming);
    }
}
