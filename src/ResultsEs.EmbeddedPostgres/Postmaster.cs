using System.Diagnostics;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>The process that a cluster's <c>postmaster.pid</c> names, and whether it is really the cluster's server.</summary>
internal static class Postmaster
{
    public enum State
    {
        /// <summary>No server: no pid file, or no such process.</summary>
        Gone,

        /// <summary>The cluster's own server.</summary>
        Running,

        /// <summary>A process that is not this cluster's server: a reused pid, or a zombie.</summary>
        Foreign,
    }

    /// <summary>A pid above those of every supported system, so that no process has it.</summary>
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
    /// Replaces the pid by one that cannot exist: PostgreSQL does not start while any process has the named pid. The file stays, because
    /// by its other lines PostgreSQL notices orphaned backends that still use the data.
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
            // "<pid> (<command>) <state> …"; the command may hold blanks and parentheses.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var end = stat.LastIndexOf(')');
            var command = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end];
            if (stat[end + 2] is 'Z' or 'X' || !command.StartsWith("postgres", StringComparison.Ordinal) && command is not "postmaster")
                return State.Foreign;

            // The server works in its data folder. Without permission to look, it has to be taken for ours.
            var directory = new FileInfo($"/proc/{pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName;
            return directory is null || directory == Resolved(data) ? State.Running : State.Foreign;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such process, one that ended while its files were read, or one whose files we may not read.
            return Directory.Exists($"/proc/{pid}") ? State.Running : State.Gone;
        }
    }

    /// <summary>The path with every symbolic link resolved, as the kernel reports working directories.</summary>
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
