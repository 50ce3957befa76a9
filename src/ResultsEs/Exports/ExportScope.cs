using ResultsEs.Changes;

namespace ResultsEs.Exports;

/// <summary>Of what an export is: the sessions of these workspaces of an account, or those of them that are of one test.</summary>
internal sealed record ExportScope(Guid Account, Guid[] Workspaces, Guid? TestId)
{
    public string Tenant => Common.Tenant.Of(Account);
}

/// <summary>
/// What of it an export has: everything up to a position of the feed, or only what changed since an earlier one. What changes while it is
/// made may be in it, and comes again in the next.
/// </summary>
/// <param name="Since">Where the reader has all; null for an export of everything.</param>
/// <param name="Until">Up to where nothing lacks.</param>
internal sealed record ExportRange(ChangeCursor? Since, long Until)
{
    /// <summary>The cursor from which the next export goes on.</summary>
    public string CursorOf(ExportScope scope) =>
        (Since is { } since ? since with { Position = Until } : new ChangeCursor(Until, Until)).Write(scope.Tenant);
}

/// <summary>How far an export is: after the key of a document, or after a position of the feed.</summary>
internal readonly record struct ExportPlace(Guid Key, long Position);
