namespace ResultsEs.EmbeddedPostgres;

/// <summary>
/// A file lock that the operating system releases when its holder dies: flock on Unix, share modes on Windows. It also excludes other
/// locks of the same process.
/// </summary>
internal static class FileLock
{
    // The error codes of a lock that is held; any other error is a failure.
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    public static IDisposable? TryShared(string path) => TryOpen(path, FileShare.Read);

    public static IDisposable? TryExclusive(string path) => TryOpen(path, FileShare.None);

    // Read access is enough for flock, and lets an account with read access share the lock.
    private static FileStream? TryOpen(string path, FileShare share)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, share);
        }
        catch (IOException e) when (e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
    }
}
