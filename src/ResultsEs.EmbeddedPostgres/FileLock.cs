namespace ResultsEs.EmbeddedPostgres;

/// <summary>
/// A lock on a file that the operating system drops when its holder dies: flock on Unix, share modes on Windows.
/// Two locks of one process exclude each other as those of two processes do.
/// </summary>
internal static class FileLock
{
    // What "somebody else holds it" looks like; every other error is one.
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    public static IDisposable? TryShared(string path) => TryOpen(path, FileShare.Read);

    public static IDisposable? TryExclusive(string path) => TryOpen(path, FileShare.None);

    public static async Task<IDisposable> ExclusiveAsync(string path, Action onWait, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (TryExclusive(path) is { } held)
                return held;

            // About two seconds: an ordinary start or stop of another service is not worth a line in the log.
            if (attempt == 40)
                onWait();

            await Task.Delay(50, cancellationToken);
        }
    }

    // Read access is enough for flock and lets another account with read access share the lock.
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
