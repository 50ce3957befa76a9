using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Search;

/// <summary>
/// Keeps the texts of sessions. It follows the feed of changes, on one node at a time, so that writers pay nothing. Accounts take turns of
/// a page each. A session whose texts cannot be stored is set aside, and the others go on. What is done twice does no harm.
/// </summary>
internal sealed class SearchIndexer(
    NpgsqlDataSource database, ChangeFeed feed, TimeProvider time, ILogger<SearchIndexer> logger)
{
    /// <summary>The name under which sessions are set aside.</summary>
    public const string WorkerName = "search";

    /// <summary>The name of the lock that whoever keeps the texts holds.</summary>
    public const string LockName = "results.search";

    private const int ChangesAtOnce = 100;

    // What these hold is in memory at once: a document and a transcript each.
    private const int SessionsAtOnce = 25;

    private static readonly TimeSpan BetweenNotes = TimeSpan.FromSeconds(2);

    private DateTimeOffset _completeTo = DateTimeOffset.MinValue;

    /// <summary>How long ago all that was stored until then could be found, in seconds; 0 until it is known.</summary>
    public double LagSeconds =>
        _completeTo == DateTimeOffset.MinValue ? 0 : Math.Max(0, (time.GetUtcNow() - _completeTo).TotalSeconds);

    /// <summary>Follows all accounts to the end of the feed, unless another node does.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        await using var held = await AdvisoryLock.TryHoldAsync(database, LockName, cancellation);
        if (held is null)
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            _completeTo = (await SearchProgress.AllAsync(connection, cancellation))?.CompleteTo ?? DateTimeOffset.MinValue;
            return;
        }

        // In this order: what is visible by then lies before the end.
        var completeTo = await ChangeClock.CompleteToAsync(database, cancellation);
        var end = await feed.EndAsync(cancellation);
        var before = await SearchProgress.AllAsync(held.Connection, cancellation);
        if (before?.Position != end)
        {
            // Groups the statements into one trace.
            using var span = Instruments.Spans.StartActivity("index texts");
            await FollowAsync(held.Connection, end, completeTo, cancellation);
        }

        if (before?.Position != end || completeTo - before.Value.CompleteTo >= BetweenNotes)
            await SearchProgress.NoteAsync(held.Connection, "", end, completeTo, cancellation);
        _completeTo = completeTo;
    }

    /// <summary>Indexes one session now; throws when that fails.</summary>
    public Task RetryAsync(StreamKey session, CancellationToken cancellation) =>
        IndexAsync(session.Account, [session.Id], cancellation);

    /// <summary>Forgets all texts, so that the worker makes them anew. Until it has, search says how far it is.</summary>
    public async Task RebuildAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await SearchProgress.ForgetAsync(connection, account: null, cancellation);
        var setAside = await SetAside.ListAsync(database, WorkerName, cancellation);
        await SetAside.RemoveAsync(database, WorkerName, [.. setAside.Select(item => item.Stream)], cancellation);
    }

    private async Task FollowAsync(NpgsqlConnection connection, long end, DateTimeOffset completeTo, CancellationToken cancellation)
    {
        var behind = new Queue<(string Account, long Position)>(await SearchProgress.BehindAsync(connection, end, cancellation));
        while (behind.TryDequeue(out var turn))
        {
            var (account, position) = turn;
            if (await PageAsync(account, position, cancellation) is not { } page)
            {
                // Removals that it has not followed are kept no longer: what went cannot be told from what is there.
                await SearchProgress.ForgetAsync(connection, account, cancellation);
                behind.Enqueue((account, 0));
                continue;
            }

            foreach (var sessions in page.Changes.Select(change => change.SessionId).Distinct().Chunk(SessionsAtOnce))
                await TakenApart.RunAsync(
                    sessions,
                    some => IndexAsync(account, [.. some], cancellation),
                    (session, failure) => SetAside.AddAsync(
                        database, logger, WorkerName, new StreamKey(account, session), failure, cancellation));

            var isThere = page.IsAtEnd || page.Next >= end;
            await SearchProgress.NoteAsync(connection, account, page.Next, isThere ? completeTo : null, cancellation);
            if (!isThere)
                behind.Enqueue((account, page.Next));
        }
    }

    private async Task<ChangePage?> PageAsync(string account, long position, CancellationToken cancellation)
    {
        try
        {
            return await feed.ReadAsync(new ChangeQuery(account, Workspaces: null), position, ChangesAtOnce, cancellation);
        }
        catch (ChangesGoneException)
        {
            return null;
        }
    }

    private async Task IndexAsync(string account, Guid[] sessions, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Nobody waits for the disk: what a crash takes comes again, because how far the account is is noted later.
        await connection.ExecuteAsync("set local synchronous_commit = off", [], cancellation);
        await SearchTable.LockAsync(connection, account, sessions, cancellation);
        // Read after the lock: what was erased before is masked, and who erases later deletes what is stored here.
        var keys = await KeysAsync(connection, account, sessions, cancellation);
        var read = await DocumentReader.ReadCaughtUpAsync(connection, SessionResultTable.Documents, keys, cancellation);
        var documents = new List<SearchedDocument>();
        foreach (var (key, value) in read)
        {
            var document = (SessionResult)value;
            if (document.Body is not { WorkspaceId: { } workspace, TestId: { } test })
                continue;

            var transcript = document.Fold.Transcribed is { } transcribed
                ? await TranscriptAsync(connection, account, transcribed.By, cancellation)
                : null;
            var texts = SearchText.Of(document, transcript).Where(text => !text.IsEmpty).ToList();
            documents.Add(new SearchedDocument(key.Id, document.Id, workspace, test, texts));
        }

        await SearchTable.ReplaceAsync(connection, account, sessions, documents, cancellation);
        await transaction.CommitAsync(cancellation);
        await SetAside.RemoveAsync(database, WorkerName, [.. sessions.Select(session => new StreamKey(account, session))], cancellation);
    }

    /// <summary>Reads the keys of the documents of sessions: by their ids, and by the partial index of (tenant_id, stream_id).</summary>
    private static Task<List<StreamKey>> KeysAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id from {SessionResultTable.Name} d where d.tenant_id = $1 and d.id = any($2)
            union
            select d.tenant_id, d.id from {SessionResultTable.Name} d
            where d.tenant_id = $1 and d.{DocumentTable.Stream} = any($2) and d.{DocumentTable.Stream} is not null
            """, connection).ReadKeysAsync([account, sessions], cancellation);

    private static async Task<SessionTranscribed?> TranscriptAsync(
        NpgsqlConnection connection, string account, Guid id, CancellationToken cancellation) =>
        await StreamLog.DataAsync(connection, account, id, cancellation) is { } json
            ? JsonSerializer.Deserialize(json, Json.Of<SessionTranscribed>())
            : null;
}
