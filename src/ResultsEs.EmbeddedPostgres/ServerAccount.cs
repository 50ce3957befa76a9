namespace ResultsEs.EmbeddedPostgres;

/// <summary>The account PostgreSQL runs under. It refuses to run as root, so root lends the cluster to another account.</summary>
internal static class ServerAccount
{
    /// <summary>
    /// Null when we may run PostgreSQL ourselves. For root: the account that owns the existing cluster, otherwise <c>postgres</c>,
    /// otherwise <c>nobody</c>.
    /// </summary>
    public static async Task<string?> ChooseAsync(string data, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
            return null;

        if (Directory.Exists(data))
        {
            string[] format = OperatingSystem.IsMacOS() ? ["-f", "%Su"] : ["-c", "%U"];
            var owner = await Command.RunAsync("stat", [.. format, data], "/", account: null, cancellationToken);
            if (owner is { ExitCode: 0, Output: not ("root" or "UNKNOWN" or "") })
                return owner.Output;
        }

        var accounts = (await File.ReadAllLinesAsync("/etc/passwd", cancellationToken)).Select(line => line.Split(':')[0]).ToHashSet(StringComparer.Ordinal);
        string[] candidates = ["postgres", "_postgres", "nobody"];
        return candidates.FirstOrDefault(accounts.Contains)
            ?? throw new DatabaseUnavailableException(
                "PostgreSQL does not run as root and there is neither an account \"postgres\" nor \"nobody\" to run it: " +
                "add one, start the service as another user, or set ConnectionStrings__results.");
    }

    /// <summary>Makes <paramref name="paths"/> the account's own.</summary>
    public static async Task GiveAsync(string account, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var result = await Command.RunAsync("chown", [account + ":", .. paths], "/", account: null, cancellationToken);
        if (result.ExitCode != 0)
            throw new DatabaseUnavailableException($"The files of the embedded PostgreSQL could not be given to the user {account}: {result.Output}");
    }

    /// <summary>The outermost folder on the way to <paramref name="path"/> that strangers may not enter; null when there is none.</summary>
    public static string? ClosedFolderAbove(string path)
    {
        string? closed = null;
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!OperatingSystem.IsWindows() && Directory.Exists(folder) && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
                closed = folder;
        }

        return closed;
    }
}
