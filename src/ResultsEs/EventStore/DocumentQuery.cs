namespace ResultsEs.EventStore;

/// <summary>
/// A statement of at most one row of a document <c>d</c>: by account ($1), workspaces ($2) and stream ($3). The first column tells whether
/// the document lags, in which case nothing of it may be sent.
/// </summary>
internal sealed class DocumentQuery
{
    private readonly string _ofRow;
    private readonly string _withStream;

    /// <summary>The statement.</summary>
    /// <param name="table">The document's table.</param>
    /// <param name="columns">What is asked.</param>
    /// <param name="join">What else it is asked of.</param>
    public DocumentQuery(DocumentTable table, string columns, string join = "")
    {
        Table = table;
        // The primary key (tenant_id, id) finds the row; one outside the caller's workspaces is no row.
        _ofRow =
            $"""
            select d.lag is distinct from 0, {columns}
            from {table.QualifiedName} d
            {join}
            where d.tenant_id = $1 and d.id = $3 and d.workspace_id = any($2)
            """;
        // One that lacks events may come to belong to a workspace that they name, and to no other.
        _withStream =
            $"""
            select d.mt_version is distinct from s.version, {columns}
            from {MartenSetup.Schema}.mt_streams s
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            {join}
            where s.tenant_id = $1 and s.id = $3 and s.type = '{table.StreamType}'
              and (d.workspace_id = any($2) or (d.mt_version is distinct from s.version and exists (
                select 1 from {MartenSetup.Schema}.mt_events w
                where w.tenant_id = $1 and w.stream_id = $3 and w.data ->> 'workspaceId' = any($2::text[]))))
            """;
    }

    /// <summary>The document's table.</summary>
    public DocumentTable Table { get; }

    /// <summary>The statement's text.</summary>
    /// <param name="comparesStreams">Whether nodes of another version may have appended, so that the row alone does not say whether it lags.</param>
    public string Sql(bool comparesStreams) => comparesStreams ? _withStream : _ofRow;

    /// <summary>A join of the event whose id is <paramref name="id"/>, as <c>e</c>. By the unique index ux_events_tenant_id.</summary>
    public static string JoinEvent(string id) => $"left join {MartenSetup.Schema}.mt_events e on e.tenant_id = d.tenant_id and e.id = {id}";

    /// <summary>A condition on a row <c>d</c>: whether the document lags.</summary>
    /// <param name="comparesStreams">As of <see cref="Sql"/>.</param>
    public static string Lags(bool comparesStreams) => comparesStreams
        ? $"d.mt_version is distinct from (select s.version from {MartenSetup.Schema}.mt_streams s where s.tenant_id = d.tenant_id and s.id = d.id)"
        : "d.lag is distinct from 0";
}
