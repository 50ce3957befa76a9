using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>What a change says of a session in its place.</summary>
internal enum ChangeKind
{
    /// <summary>It became or changed.</summary>
    Upserted,

    /// <summary>It went.</summary>
    Removed,
}

/// <summary>Why a session is not in its place any more.</summary>
internal enum RemovalReason
{
    /// <summary>It is in another test or workspace.</summary>
    Moved,

    /// <summary>What it says of its participant is erased. It comes again, masked, right after.</summary>
    Erased,

    /// <summary>It is kept no longer.</summary>
    Expired,
}

/// <summary>What of an account's changes is asked for.</summary>
/// <param name="Account">The account.</param>
/// <param name="Workspaces">The workspaces; null for all of the account.</param>
/// <param name="TestId">The test; null for all.</param>
/// <param name="IncludesSessions">True to have the v3 body with each session that is there.</param>
internal sealed record ChangeQuery(string Account, Guid[]? Workspaces, Guid? TestId = null, bool IncludesSessions = false);

/// <summary>A change of a session in a workspace and test: the last one, however many there were.</summary>
internal sealed record SessionChange(
    Guid SessionId, Guid WorkspaceId, Guid TestId, ChangeKind Kind, RemovalReason? Reason, long Version, DateTimeOffset UpdatedTime,
    long Position)
{
    /// <summary>The status of a session that is there.</summary>
    public SessionStatus? Status { get; init; }

    /// <summary>The v3 body of a session that is there; empty unless it was asked for.</summary>
    public ReadOnlyMemory<byte> Session { get; init; }

    /// <summary>Why the body cannot be given, although it was asked for; null as a rule.</summary>
    public string? Problem { get; init; }
}

/// <summary>Changes in the order of their positions.</summary>
/// <param name="Changes">The changes that match the query; may be none before the end.</param>
/// <param name="Cursor">Where to go on.</param>
/// <param name="IsAtEnd">True when there is nothing more at this moment.</param>
internal sealed record ChangePage(IReadOnlyList<SessionChange> Changes, ChangeCursor Cursor, bool IsAtEnd)
{
    /// <summary>The position after which to go on.</summary>
    public long Next => Cursor.Position;
}
