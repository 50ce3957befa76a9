namespace ResultsEs.EventStore;

/// <summary>
/// What this node knows of nodes that store documents of another version. While one may write, a row alone does not tell whether its
/// document lacks events, so reads compare it with its stream. The service that looks for them writes this; every read reads it.
/// </summary>
internal sealed class OtherVersions(TimeProvider time)
{
    /// <summary>How long a look is valid. A node of a new version announces itself, and waits longer than this before it writes.</summary>
    public static readonly TimeSpan Holds = TimeSpan.FromSeconds(10);

    // The timestamp of the last look, when it found none; otherwise 0.
    private long _absentAt;

    /// <summary>True when nodes of another version may write.</summary>
    public bool MayWrite => Volatile.Read(ref _absentAt) is var absent && (absent == 0 || time.GetElapsedTime(absent) > Holds);

    /// <summary>Records a look, by a timestamp from before it and whether it found documents of another version.</summary>
    public void Note(long moment, bool areThere) => Volatile.Write(ref _absentAt, areThere ? 0 : Math.Max(1, moment));
}
