namespace ResultsEs.EventStore;

/// <summary>
/// A document that belongs to a workspace. A stream that was started in several workspaces, by senders who may not write into each
/// other's, has a document in each of them (docs/decisions/0032).
/// </summary>
internal abstract record PlacedDocument : SizedDocument
{
    /// <summary>The workspace; null until an event names one.</summary>
    [JsonIgnore]
    public abstract Guid? Workspace { get; }

    /// <summary>Where the stream's events and its other documents belong; null in the usual case.</summary>
    public Placement? Placement { get; init; }

    /// <summary>The stream's id, in a document that does not have it for its key. A column.</summary>
    [JsonIgnore]
    public Guid? StreamId { get; init; }

    /// <summary>The stream's other documents, to be stored with this one.</summary>
    [JsonIgnore]
    public IReadOnlyList<DocumentWrite> Others { get; init; } = [];
}

/// <summary>Where the events and documents of a stream belong, as far as its document needs to know.</summary>
/// <param name="OpenTo">
/// Until the stream is started: the digests of the workspaces into which every sender so far could write. Null: all.
/// </param>
/// <param name="Elsewhere">The other workspaces in which the stream was started, in order; null when there are none.</param>
internal sealed record Placement(string? OpenTo, IReadOnlyList<Guid>? Elsewhere)
{
    /// <summary>The workspace in which an event starts its stream; null when it does not.</summary>
    public static Guid? WorkspaceOf(StreamEvent data) => data switch
    {
        SessionStarted started => started.WorkspaceId,
        HighlightReelPublished published => published.WorkspaceId,
        TestDefined defined => defined.WorkspaceId,
        _ => null,
    };

    /// <summary>True for the records of which <see cref="WorkspaceOf"/> tells a workspace.</summary>
    public static bool IsStart(Type record) =>
        record == typeof(SessionStarted) || record == typeof(HighlightReelPublished) || record == typeof(TestDefined);

    /// <summary>
    /// The key of a stream's document in a workspace, where the stream's id is the key of another. It has a form that
    /// <see cref="IsKey"/> knows, and that no sender may give a stream.
    /// </summary>
    public static Guid KeyOf(Guid stream, Guid workspace)
    {
        Span<byte> both = stackalloc byte[32];
        stream.TryWriteBytes(both, bigEndian: true, out _);
        workspace.TryWriteBytes(both[16..], bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(both, hash);
        (hash[6], hash[8]) = ((byte)(hash[6] | 0xf0), (byte)((hash[8] & 0x1f) | 0xc0));
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>True for a UUID of version 15 and of a variant that is reserved (RFC 9562, 4): nobody makes such ids.</summary>
    public static bool IsKey(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return bytes[6] >> 4 == 0xf && bytes[8] >> 5 == 6;
    }
}
