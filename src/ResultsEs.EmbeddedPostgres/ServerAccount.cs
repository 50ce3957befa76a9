namespace ResultsEs.EmbeddedPostgres;

/// <summary>The account that PostgreSQL runs under: our own, or for root another one, because PostgreSQL refuses root.</summary>
internal static class ServerAccount
{
    /// <summary>Chooses the account; null for our own. Root gets the owner of existing data, <c>postgres</c> or <c>nobody</c>.</summary>
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

        var accounts = (await File.ReadAllLinesAsync("/etc/passwd", cancellationToken)).Select(line => line.Split(':')[0]).ToList();
        return new[] { "postgres", "_postgres", "nobody" }.FirstOrDefault(accounts.Contains)
            ?? throw new DatabaseUnavailableException(
                "PostgreSQL does not run as root and there is neither an account \"postgres\" nor \"nobody\" to run it: " +
                "add one, start the service as another user, or set ConnectionStrings__results.");
    }

    public static async Task GiveAsync(string account, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var result = await Command.RunAsync("chown", [account + ":", .. paths], "/", account: null, cancellationToken);
        if (result.ExitCode != 0)
            throw new DatabaseUnavailableException(
                $"The files of the embedded PostgreSQL could not be given to the user {account}: {result.Output}");
    }

    /// <summary>The outermost folder above <paramref name="path"/> that other users may not enter; null when there is none.</summary>
    public static string? ClosedFolderAbove(string path)
    {
        if (OperatingSystem.IsWindows() || Path.GetDirectoryName(path) is not { } folder)
            return null;
        var isClosed = Directory.Exists(folder) && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute);
        return ClosedFolderAbove(folder) ?? (isClosed ? folder : null);
    }
}
