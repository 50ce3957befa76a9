using System.Security.Cryptography;
using System.Text;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The settings of a private cluster. All its files are in <paramref name="Home"/>, a folder that is made when missing.</summary>
internal sealed record ClusterOptions(string Home, string Binaries)
{
    // sun_path is 108 bytes on Linux and 104 on macOS; the rest is "/.s.PGSQL.5432" and a terminator.
    private const int LongestSocketFolder = 104 - 15 - 1;

    public string Home { get; } = Path.GetFullPath(Home);

    /// <summary>False for throw-away clusters: commits do not reach the disk, and stopping writes nothing.</summary>
    public bool Durable { get; init; } = true;

    public int MaxConnections { get; init; } = 200;

    /// <summary>True for loopback TCP with a generated password; false for a Unix socket in a private folder.</summary>
    public bool Tcp { get; init; } = OperatingSystem.IsWindows();

    public string Data => Path.Combine(Home, "data");

    /// <summary>The folder of the socket: in <see cref="Home"/>, unless that path is too long or unfit for connection strings.</summary>
    public string SocketFolder
    {
        get
        {
            var inside = Path.Combine(Home, "run");
            if (inside.Length <= LongestSocketFolder && inside.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-'))
                return inside;

            // Not the session's temporary folder, because every service has to find the same one. Only root may write to /run.
            var parent = Environment.IsPrivilegedProcess && Directory.Exists("/run") ? "/run" : "/tmp";
            return $"{parent}/results-{ShortHash(Home)}";
        }
    }

    public static string ShortHash(string folder) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..16];

    /// <summary>The major version of the cluster in a folder, such as <c>17</c>; null when there is none yet.</summary>
    public static string? MajorVersion(string home)
    {
        try
        {
            return File.ReadAllText(Path.Combine(home, "data", "PG_VERSION")).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The error that names the folder, says why it cannot be used and what to do.</summary>
    public DatabaseUnavailableException CannotUse(string why, Exception? cause = null) => new(
        $"The embedded PostgreSQL in {Home} cannot be used: {why.TrimEnd('.')}. " +
        $"Set {DataFolder.Variable} to another folder, or ConnectionStrings__results to a database of yours.",
        cause);
}
