using System.ComponentModel;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The folder of a cluster: closed to other users, owned by the account PostgreSQL runs under. initdb makes its data.</summary>
internal sealed class ClusterFolder(ClusterOptions options, string? account)
{
    /// <summary>Makes missing folders, and checks that PostgreSQL can work there.</summary>
    public static async Task<ClusterFolder> PrepareAsync(ClusterOptions options, CancellationToken cancellationToken)
    {
        var account = await ServerAccount.ChooseAsync(options.Data, cancellationToken);
        var folder = new ClusterFolder(options, account);
        folder.Create();
        if (account is not null)
        {
            await ServerAccount.GiveAsync(account, options.Tcp ? [options.Home] : [options.Home, options.SocketFolder], cancellationToken);
            await folder.CheckAccessAsync(cancellationToken);
        }

        return folder;
    }

    /// <summary>Runs one of PostgreSQL's programs in the folder, as the server's account.</summary>
    public Task<Command.Result> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Command.RunAsync(PostgresBinaries.Program(options.Binaries, program), arguments, options.Home, account, cancellationToken);

    public Task GiveAsync(string file, CancellationToken cancellationToken) =>
        account is null ? Task.CompletedTask : ServerAccount.GiveAsync(account, [file], cancellationToken);

    /// <summary>Makes missing data, and refuses data that the installed programs cannot open. The caller holds the gate.</summary>
    public async Task CheckOrCreateDataAsync(IEnumerable<string> access, ILogger logger, CancellationToken cancellationToken)
    {
        if (ClusterOptions.MajorVersion(options.Home) is { } made)
        {
            var ours = await PostgresBinaries.VersionAsync(options.Binaries, cancellationToken);
            if (ours == made)
                return;
            throw options.CannotUse(
                $"it was made by PostgreSQL {made} and {options.Binaries} is version {ours ?? "unknown"}, which cannot open it. " +
                $"Install PostgreSQL {made}, or move the data with pg_upgrade or pg_dump");
        }

        if (Directory.Exists(options.Data) && Directory.EnumerateFileSystemEntries(options.Data).Any())
            throw options.CannotUse($"{options.Data} holds files and is not a PostgreSQL cluster (no PG_VERSION); move them away");

        PostgresLog.Creating(logger, options.Home);

        // Made under another name and renamed when complete, so that an interrupted start never leaves half a cluster.
        const string Unfinished = "data.unfinished";
        var unfinished = Path.Combine(options.Home, Unfinished);
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        if (Directory.Exists(options.Data))
            Directory.Delete(options.Data);

        string[] durability = options.Durable ? [] : ["--no-sync"];
        var result = await RunAsync(
            "initdb",
            [
                "--pgdata", Unfinished, "--username", ServerAddress.User, "--encoding=UTF8", "--locale=C", "--data-checksums",
                "--no-instructions", .. access, .. durability,
            ],
            cancellationToken);
        if (result.ExitCode != 0)
            throw options.CannotUse($"initdb failed: {result.Output}");

        Directory.Move(unfinished, options.Data);
    }

    private void Create()
    {
        var parent = Path.GetDirectoryName(options.Home)!;
        if (!Directory.Exists(parent))
        {
            Directory.CreateDirectory(parent);

            // Root's umask may close the folder to PostgreSQL's account.
            if (account is not null && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(parent, File.GetUnixFileMode(parent) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        CreatePrivate(options.Home);
        if (!options.Tcp)
        {
            var socket = options.SocketFolder;
            if (new DirectoryInfo(socket).LinkTarget is not null)
                throw options.CannotUse($"{socket}, where its socket belongs, is a link that somebody else may have made; remove it");
            CreatePrivate(socket);
        }
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(folder, OwnerOnly);
        // Fails when the folder belongs to somebody else, who could listen there in our place.
        File.SetUnixFileMode(folder, OwnerOnly);
    }

    private async Task CheckAccessAsync(CancellationToken cancellationToken)
    {
        try
        {
            var result = await RunAsync("postgres", ["--version"], cancellationToken);
            if (result.ExitCode != 0)
                throw options.CannotUse($"the user {account} cannot run {options.Binaries}: {result.Output}");
        }
        catch (Win32Exception e)
        {
            throw ServerAccount.ClosedFolderAbove(options.Home) is { } closed
                ? options.CannotUse($"PostgreSQL does not run as root but as the user {account}, who may not enter {closed}", e)
                : options.CannotUse($"the user {account} cannot run {options.Binaries}: {e.Message}", e);
        }
    }
}
