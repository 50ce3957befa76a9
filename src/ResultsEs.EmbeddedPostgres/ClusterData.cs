namespace ResultsEs.EmbeddedPostgres;

/// <summary>The data folder of a cluster: made by initdb and checked before a server starts on it.</summary>
internal static class ClusterData
{
    /// <summary>Makes missing data, and refuses data that the installed programs cannot open. The caller holds the gate.</summary>
    public static async Task CheckOrCreateAsync(
        ClusterOptions options, ClusterFolder folder, IEnumerable<string> access, ILogger logger, CancellationToken cancellationToken)
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
        var result = await folder.RunAsync(
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
}
