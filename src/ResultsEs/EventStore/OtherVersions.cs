namespace ResultsEs.EventStore;

/// <summary>
/// What this node knows of nodes that store documents of another version. While any may write, a document's own row does not say whether
/// it lacks events, and reads compare it with its stream. Written by the service that looks for them, read by every read.
/// </summary>
internal sealed class OtherVersions(TimeProvider time)
{
    /// <summary>How long a look holds. Nodes of a new version wait longer than this after they made themselves known, before they write.</summary>
    public static readonly TimeSpan Holds = TimeSpan.FromSeconds(10);

    // The time stamp of the last look that found none; 0 for none.
    private long _absentAt;

    /// <summary>Whether nodes of another version may write.</summary>
    public bool MayWrite
    {
        get
        {
            var absent = Volatile.Read(ref _absentAt);
            return absent == 0 || time.GetElapsedTime(absent) > Holds;
        }
    }

    /// <summary>Notes a look.</summary>
    /// <param name="moment">A time stamp from before it.</param>
    /// <param name="areThere">Whether there are documents of another version.</param>
    public void Note(long moment, bool areThere) => Volatile.Write(ref _absentAt, areThere ? 0 : Math.Max(1, moment));
}
