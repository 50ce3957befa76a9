using System.Text.RegularExpressions;
using MysticMind.PostgresEmbed;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The programs of a PostgreSQL server, found on this machine or downloaded.</summary>
internal static partial class PostgresBinaries
{
    /// <summary>The major version that is downloaded for a new cluster.</summary>
    private const string DownloadedVersion = "17";

    private static readonly string[] Programs = ["initdb", "postgres", "pg_ctl"];

    // A '*' stands for one folder; its newest version comes first.
    private static readonly string[] UsualPlaces =
    [
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/libexec/postgresql*",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/opt/homebrew/bin",
        "/usr/local/opt/postgresql@*/bin",
        "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
        "C:/Program Files/PostgreSQL/*/bin",
    ];

    private static IEnumerable<string> Searched => SearchOrder(Environment.GetEnvironmentVariable("PATH"), ListFolders);

    /// <summary>Returns the first folder of PATH and the usual places with all programs; null when there is none.</summary>
    public static string? Find() => Complete(Searched, File.Exists).FirstOrDefault();

    /// <summary>Finds or downloads the programs for a cluster of <paramref name="majorVersion"/>, of any version when null.</summary>
    /// <returns>Their folder.</returns>
    public static Task<string> GetAsync(string dataFolder, string? majorVersion, ILogger logger, CancellationToken cancellationToken)
    {
        var downloads = Path.Combine(dataFolder, "postgres-binaries");
        string[] searched = [.. Searched, .. Expand(downloads + "/*/bin", ListFolders)];
        return GetAsync(searched, downloads, majorVersion, http: null, logger, cancellationToken);
    }

    internal static async Task<string> GetAsync(
        IReadOnlyList<string> searched, string downloads, string? majorVersion, HttpClient? http, ILogger logger,
        CancellationToken cancellationToken)
    {
        foreach (var folder in Complete(searched, File.Exists))
        {
            // Only the major version that made a cluster can open it, and the newest installed may be another.
            if (majorVersion is null || await VersionAsync(folder, cancellationToken) == majorVersion)
                return folder;
        }

        var version = majorVersion ?? DownloadedVersion;
        PostgresLog.Downloading(logger, version, downloads);
        using var ours = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) });
        ours.Timeout = TimeSpan.FromMinutes(10);
        try
        {
            Directory.CreateDirectory(downloads);
            await using var server = new PgServer(new PgServerOptions
            {
                PgVersion = version,
                DbDir = downloads,
                BinariesDir = downloads,
                DownloadRetryCount = 1,
                HttpClient = http ?? ours,
                Logger = logger,
            });
            await server.InstallAsync(cancellationToken);
            return Path.Combine(server.InstallDir, "bin");
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var wanted = majorVersion is null ? "PostgreSQL" : $"PostgreSQL {majorVersion}, which made the cluster in the data folder,";
            var others = majorVersion is null ? [] : Complete(searched, File.Exists).ToList();
            var found = others.Count == 0 ? "" : $"; {string.Join(", ", others)} holds another version";
            var places = string.Join(", ", UsualPlaces.Append(Path.Combine(downloads, "*", "bin")));
            throw new DatabaseUnavailableException(
                $"No database: ConnectionStrings__results is not set, {wanted} was not found on this machine, " +
                $"and version {version} could not be downloaded ({e.Message}). " +
                $"Looked for {string.Join(", ", Programs)} in the folders of PATH and in {places}{found}. " +
                $"Install PostgreSQL{(majorVersion is null ? "" : " " + majorVersion)} " +
                "(Debian: apt-get install postgresql; macOS: brew install postgresql@17), " +
                "or set ConnectionStrings__results to a database of yours.",
                e);
        }
    }

    /// <summary>The folders to search, in order. Pure: <paramref name="listFolders"/> stands for the machine.</summary>
    internal static IEnumerable<string> SearchOrder(string? path, Func<string, IEnumerable<string>> listFolders) =>
        (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Concat(UsualPlaces.SelectMany(place => Expand(place, listFolders)))
            .Distinct(StringComparer.Ordinal);

    internal static IEnumerable<string> Complete(IEnumerable<string> folders, Func<string, bool> fileExists) =>
        folders.Where(folder => Programs.All(program => fileExists(Program(folder, program))));

    public static string Program(string folder, string name) => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name);

    /// <summary>Returns the major version of the programs in a folder, such as <c>17</c>; null when they do not run.</summary>
    public static async Task<string?> VersionAsync(string folder, CancellationToken cancellationToken)
    {
        try
        {
            var result = await Command.RunAsync(Program(folder, "postgres"), ["--version"], folder, account: null, cancellationToken);
            return Version().Match(result.Output) is { Success: true } match ? match.Groups["major"].Value : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static IEnumerable<string> Expand(string place, Func<string, IEnumerable<string>> listFolders)
    {
        if (place.Split('*') is not [var start, var rest])
            return [place];

        var slash = start.LastIndexOf('/');
        var (parent, prefix) = (start[..slash], start[(slash + 1)..]);
        return listFolders(parent)
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .OrderByDescending(name => int.TryParse(Digits().Match(name).Value, CultureInfo.InvariantCulture, out var n) ? n : -1)
            .ThenByDescending(name => name, StringComparer.Ordinal)
            .Select(name => $"{parent}/{name}{rest}");
    }

    private static IEnumerable<string> ListFolders(string parent)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(parent).Select(folder => Path.GetFileName(folder))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"\(PostgreSQL\) (?<major>\d+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();

    [GeneratedRegex(@"\d+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Digits();
}
