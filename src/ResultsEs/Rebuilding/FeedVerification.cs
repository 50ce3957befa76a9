using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Compares the feed of changes with the stored documents. State: the sessions that it has told of; each is told of once.
/// </summary>
internal sealed class FeedVerification(NpgsqlDataSource database, ChangesOptions options)
{
    private const int SessionsAtOnce = 2_000;

    private readonly HashSet<StreamKey> _told = [];

    private TimeSpan Kept => TimeSpan.FromDays(options.KeepRemovedDays);

    /// <summary>Reads how the feed differs from the documents of streams, but of those that differ themselves.</summary>
    public async Task<IReadOnlyList<ChangeDeviation>> DeviationsAsync(
        IReadOnlyCollection<StreamKey> streams, IEnumerable<StreamKey> differing, CancellationToken cancellation)
    {
        _told.UnionWith(differing);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return New(await ChangeDeviation.AmongAsync(connection, streams, Kept, cancellation));
    }

    /// <summary>Reads what else is in the feed: sessions that are not there. Of one account, or of all when it is null.</summary>
    public async IAsyncEnumerable<IReadOnlyList<ChangeDeviation>> InventedAsync(
        string? account, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = new StreamKey(account ?? "", Guid.Empty);
        while (true)
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            var some = await ChangeDeviation.AfterAsync(connection, last, account, SessionsAtOnce, cancellation);
            if (some.Count == 0)
                yield break;

            yield return New(await ChangeDeviation.AmongAsync(connection, some, Kept, cancellation));
            last = some[^1];
        }
    }

    /// <summary>Has the feed tell what the documents say. Returns of how many sessions.</summary>
    public Task<int> MendAsync(IReadOnlyCollection<ChangeDeviation> found, CancellationToken cancellation) =>
        ChangeDeviation.MendAsync(database, found, Kept, cancellation);

    /// <summary>The line of JSON that tells of a deviation.</summary>
    public static string Line(ChangeDeviation deviation) => new JsonObject
    {
        ["account"] = deviation.Document.Account,
        ["id"] = deviation.Document.Id,
        ["kind"] = "change",
        ["problem"] = deviation.Fault switch
        {
            ChangeFault.Invented => "the feed of changes has a session that is not there",
            ChangeFault.Missing => "the feed of changes lacks the session",
            ChangeFault.Ahead => "the feed of changes knows more events than the document",
            ChangeFault.Misplaced => "the feed of changes has the session in another workspace or test",
            ChangeFault.Behind => "the feed of changes knows fewer events than the document",
            _ => "the feed of changes has not told that the session is erased",
        },
    }.ToJsonString(Json.Options);

    private List<ChangeDeviation> New(List<ChangeDeviation> found) =>
        found.FindAll(one => !_told.Contains(one.Stream) && _told.Add(one.Document));
}
