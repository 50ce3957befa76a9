namespace ResultsEs.EventStore;

/// <summary>
/// A statement that reads at most one row of a document <c>d</c>, by account ($1), workspaces ($2) and stream ($3).
/// Its first column is true when the document lags; such a row must not be sent.
/// </summary>
internal sealed class DocumentQuery
{
    private readonly string _ofRow;
    private readonly string _withStream;
    private readonly string _other;
    private readonly string _otherWithStream;

    /// <summary>The statement that reads these columns after the first, of the document and what is joined to it.</summary>
    public DocumentQuery(DocumentTable table, string columns, string join = "")
    {
        Table = table;
        // The primary key (tenant_id, id) finds the row. A document outside the caller's workspaces is no row.
        _ofRow =
            $"""
            select d.lag is distinct from 0, {columns}
            from {table.QualifiedName} d
            {join}
            where d.tenant_id = $1 and d.id = $3 and d.workspace_id = any($2)
            """;
        // A document can only come to belong to a workspace in which an event that it lacks starts the stream. What was deferred does
        // not. Of other events no data is read: the index of (tenant_id, stream_id, version) finds what is lacking.
        _withStream =
            $"""
            select d.mt_version is distinct from s.version, {columns}
            from {MartenSetup.Schema}.mt_streams s
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            {join}
            where s.tenant_id = $1 and s.id = $3 and s.type = '{table.StreamType}'
              and (d.workspace_id = any($2) or (d.mt_version is distinct from s.version and exists (
                select 1 from {MartenSetup.Schema}.mt_events w
                where w.tenant_id = $1 and w.stream_id = $3 and w.version > coalesce(d.mt_version + coalesce(d.lag, 0), 0)
                  and case when w.type in ({table.Starts}) then w.data ->> 'workspaceId' = any($2::text[]) end)))
            """;
        (_other, _otherWithStream) = (Other(comparesStreams: false), Other(comparesStreams: true));

        // The partial index of (tenant_id, stream_id).
        string Other(bool comparesStreams) =>
            $"""
            select {Lags(table, comparesStreams)}, {columns}
            from {table.QualifiedName} d
            {join}
            where d.tenant_id = $1 and d.{DocumentTable.Stream} = $3 and d.{DocumentTable.Stream} is not null and d.workspace_id = any($2)
            order by d.workspace_id limit 1
            """;
    }

    public DocumentTable Table { get; }

    /// <summary>The statement's text. It must compare streams when nodes of another version may append: the row cannot tell.</summary>
    public string Sql(bool comparesStreams) => comparesStreams ? _withStream : _ofRow;

    /// <summary>The statement for a document whose key is not the stream's id; asked where there is no row by the other.</summary>
    public string SqlOfOther(bool comparesStreams) => comparesStreams ? _otherWithStream : _other;

    /// <summary>A join of the event with this id, as <c>e</c>, by the unique index ux_events_tenant_id.</summary>
    public static string JoinEvent(string id) => $"left join {StreamLog.Events} e on e.tenant_id = d.tenant_id and e.id = {id}";

    /// <summary>
    /// A condition on a row <c>d</c>: the document lags, or that with the stream's id does. Compares the stream like <see cref="Sql"/>.
    /// </summary>
    public static string Lags(DocumentTable table, bool comparesStreams) => comparesStreams
        ? $"d.mt_version is distinct from (select s.version from {StreamLog.Table} s "
            + $"where s.tenant_id = d.tenant_id and s.id = coalesce(d.{DocumentTable.Stream}, d.id))"
        : $"case when d.{DocumentTable.Stream} is null then d.lag else (select p.lag from {table.QualifiedName} p "
            + $"where p.tenant_id = d.tenant_id and p.id = d.{DocumentTable.Stream}) end is distinct from 0";
}
