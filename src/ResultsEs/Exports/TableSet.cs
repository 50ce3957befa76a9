using ResultsEs.Changes;

namespace ResultsEs.Exports;

/// <summary>A session of which more is to be read than its document: its interactions, or its own transcript.</summary>
internal sealed record SessionToFollow(Guid SessionId, Guid WorkspaceId, Guid TestId, bool HasInteractions, Guid? Transcript);

/// <summary>The files that one walk over sessions fills, each of another table.</summary>
internal sealed class TableSet(IReadOnlyList<TableFile> files, WidePlan? plan = null) : IAsyncDisposable
{
    /// <summary>The name of the table of the wide format.</summary>
    public const string Wide = "wide";

    private readonly TableBatch? _sessions = BatchOf(files, Tables.Sessions);
    private readonly TableBatch? _answers = BatchOf(files, Tables.Answers);
    private readonly TableBatch? _demographics = BatchOf(files, Tables.Demographics);
    private readonly TableBatch? _changes = BatchOf(files, Tables.Changes);
    private readonly TableBatch? _wide = files.FirstOrDefault(file => file.Table == Wide)?.Batch;

    public IReadOnlyList<TableFile> Files => files;

    public TableBatch? Interactions { get; } = BatchOf(files, Tables.Interactions);

    public TableBatch? Cues { get; } = BatchOf(files, Tables.Cues);

    /// <summary>How many sessions were added.</summary>
    public long Sessions { get; private set; }

    /// <summary>How many of them cannot be given.</summary>
    public long Problems { get; private set; }

    /// <summary>Adds the rows of a session. What is to be read beside its document is added to <paramref name="more"/>.</summary>
    public void Add(in StoredSession session, bool isFull, List<SessionToFollow> more)
    {
        Sessions++;
        if (isFull)
            _changes?.Key(session).Text("upserted").Text(null).Whole(session.Version).Time(session.Updated).EndRow();
        if (_sessions is not null)
            SessionRows.AddSession(_sessions, session);
        if (_answers is not null)
            AnswerRows.Add(_answers, session);
        if (_demographics is not null)
            SessionRows.AddDemographics(_demographics, session);
        if (Cues is not null)
            SessionRows.AddCues(Cues, session);
        if (_wide is not null)
            WideRows.Add(_wide, plan!, session);

        var hasInteractions = Interactions is not null && session.HasInteractions;
        var transcript = Cues is not null ? session.Transcript : null;
        if (hasInteractions || transcript is not null)
            more.Add(new SessionToFollow(session.SessionId, session.WorkspaceId, session.TestId, hasInteractions, transcript));
    }

    /// <summary>Adds a session whose result cannot be given.</summary>
    public void AddProblem(UnreadSession session, bool isFull)
    {
        (Sessions, Problems) = (Sessions + 1, Problems + 1);
        if (isFull)
            _changes?.Uuid(session.SessionId).Uuid(session.WorkspaceId).Uuid(session.TestId)
                .Text("upserted").Text(null).Whole(session.Version).Time(session.Updated).EndRow();
        if (_sessions is not null)
            SessionRows.AddProblem(_sessions, session);
    }

    /// <summary>Adds a change of the feed.</summary>
    public void Add(SessionChange change) =>
        _changes?.Uuid(change.SessionId).Uuid(change.WorkspaceId).Uuid(change.TestId)
            .Text(change.Kind == ChangeKind.Upserted ? "upserted" : "removed")
            .Text(change.Reason is { } reason ? reason.ToString().ToLowerInvariant() : null)
            .Whole(change.Version).Time(change.UpdatedTime).EndRow();

    public async Task FlushAsync(CancellationToken cancellation)
    {
        foreach (var file in files)
            await file.FlushAsync(cancellation);
    }

    public async Task EndAsync(CancellationToken cancellation)
    {
        foreach (var file in files)
            await file.EndAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in files)
            await file.DisposeAsync();
    }

    private static TableBatch? BatchOf(IReadOnlyList<TableFile> files, TableSchema table) =>
        files.FirstOrDefault(file => file.Table == table.Name)?.Batch;
}
