using System.Diagnostics;
using System.Globalization;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The server process that <c>postmaster.pid</c> of a cluster names, and whether it is what the file says.</summary>
internal static class Postmaster
{
    public enum State
    {
        /// <summary>No server: no pid file, or its process is gone.</summary>
        Gone,

        /// <summary>The cluster's own server.</summary>
        Running,

        /// <summary>The process exists and is not this cluster's server: a reused pid, or one nobody has reaped.</summary>
        Foreign,
    }

    /// <summary>Larger than any pid of any supported system, so never that of a process.</summary>
    private const int NobodysPid = int.MaxValue - 1;

    public static int? ReadPid(string data)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(
                PidFile(data), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return int.TryParse(reader.ReadLine(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static State Look(string data) => ReadPid(data) is { } pid ? Look(data, pid) : State.Gone;

    public static State Look(string data, int pid)
    {
        if (OperatingSystem.IsLinux())
            return LookInProc(data, pid);

        try
        {
            using var process = Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) ? State.Running : State.Foreign;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return State.Gone;
        }
    }

    /// <summary>
    /// Writes a pid that cannot exist: PostgreSQL refuses to start while the named process exists, whatever it is. The file stays,
    /// because its other lines are how PostgreSQL notices orphaned backends that still use the data.
    /// </summary>
    public static void Disown(string data)
    {
        string[] lines = [NobodysPid.ToString(CultureInfo.InvariantCulture), .. File.ReadAllLines(PidFile(data)).Skip(1)];
        File.WriteAllText(PidFile(data), string.Join('\n', lines) + "\n");
    }

    private static State LookInProc(string data, int pid)
    {
        try
        {
            // "<pid> (<command>) <state> …"; the command may itself hold blanks and parentheses.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var end = stat.LastIndexOf(')');
            var command = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end];
            if (stat[end + 2] is 'Z' or 'X' || !command.StartsWith("postgres", StringComparison.Ordinal) && command is not "postmaster")
                return State.Foreign;

            // The server works inside its data folder. Who may not look gets no answer, and then it must be assumed to be ours.
            var directory = new FileInfo($"/proc/{pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName;
            return directory is null || directory == Resolved(data) ? State.Running : State.Foreign;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such process, one that ended while its files were read, or one whose files are not for us.
            return Directory.Exists($"/proc/{pid}") ? State.Running : State.Gone;
        }
    }

    /// <summary>The path with every symbolic link on the way followed, as the kernel reports working directories.</summary>
    private static string Resolved(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null)
            return path;
        var here = Path.Combine(Resolved(parent), Path.GetFileName(path));
        return new DirectoryInfo(here).ResolveLinkTarget(returnFinalTarget: true)?.FullName is { } target ? Resolved(target) : here;
    }

    private static string PidFile(string data) => Path.Combine(data, "postmaster.pid");
}
