namespace ResultsEs.EventStore;

/// <summary>
/// The sender of an event: its client, and the workspaces into which it could write then. It is stored as a header: a digest of each
/// workspace, a blank, the client's id. Events stored before there was such a header have none, and count wherever they are.
/// </summary>
/// <param name="Header">The header's text; null when the event has none.</param>
internal readonly record struct Sender(string? Header)
{
    public const string HeaderName = "sender";

    /// <summary>The most workspaces of a sender that an event names once it is known where its stream was started.</summary>
    public const int MaxWorkspaces = 32;

    // 64 bits in base64url. Workspaces are the operator's, so nobody can look for two with one digest.
    private const int DigestBytes = 8;
    private const int DigestLength = 11;

    /// <summary>The client; null when it is not known.</summary>
    public string? Client => Header?[(Header.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    public static Sender Of(string client, IEnumerable<Guid> workspaces) =>
        new($"{string.Concat(workspaces.Select(DigestOf).Order(StringComparer.Ordinal))} {client}");

    public static string DigestOf(Guid workspace)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(workspace.ToByteArray(bigEndian: true), hash);
        return Base64Url.EncodeToString(hash[..DigestBytes]);
    }

    /// <summary>A pattern for SQL, of the headers of those who could write into a workspace, as <see cref="MayWrite"/> says.</summary>
    public static string MatchOf(Guid workspace) => $"^([A-Za-z0-9_-]{{{DigestLength}}})*{DigestOf(workspace)}";

    /// <summary>True when the sender could write into the workspace with this digest.</summary>
    public bool MayWrite(string digest)
    {
        if (Header is null)
            return true;
        for (var at = 0; at + DigestLength <= Header.Length && Header[at] != ' '; at += DigestLength)
        {
            if (Header.AsSpan(at, DigestLength).SequenceEqual(digest))
                return true;
        }

        return false;
    }

    /// <summary>The digests into which this sender could write too; null stands for all.</summary>
    public string? Common(string? digests)
    {
        if (Header is null)
            return digests;

        return digests is null ? string.Concat(Digests()) : string.Concat(new Sender(digests).Digests().Where(MayWrite));
    }

    private IEnumerable<string> Digests()
    {
        for (var at = 0; at + DigestLength <= Header!.Length && Header[at] != ' '; at += DigestLength)
            yield return Header.Substring(at, DigestLength);
    }
}
