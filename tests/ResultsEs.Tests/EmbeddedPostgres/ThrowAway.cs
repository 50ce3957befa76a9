using System.Diagnostics;
using System.Globalization;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;

namespace ResultsEs.Tests.EmbeddedPostgres;

/// <summary>Folders for clusters that live no longer than a test run, named after the process that made them.</summary>
internal static class ThrowAway
{
    private const string Prefix = "results-test-";
    private static int _count;

    /// <summary>A folder that does not exist yet, in one that the account the server runs under may enter.</summary>
    public static string NewHome(string name = "postgres")
    {
        var parent = Path.Combine(Path.GetTempPath(), string.Create(
            CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{Random.Shared.Next(0x10000):x4}"));
        Directory.CreateDirectory(parent);
        return Path.Combine(parent, name);
    }

    /// <summary>
    /// Ends what still runs in the folder that <see cref="NewHome"/> made, and deletes it. What cannot be deleted is left to the next run.
    /// </summary>
    public static void Remove(string home)
    {
        var parent = Path.GetDirectoryName(home)!;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                foreach (var pidFile in Directory.GetFiles(parent, "postmaster.pid", SearchOption.AllDirectories))
                    End(Path.GetDirectoryName(pidFile)!);
                foreach (var pidFile in Directory.GetFiles(parent, RabbitNode.PidFile, SearchOption.AllDirectories))
                    RabbitNode.End(Path.GetDirectoryName(pidFile)!);
                foreach (var pidFile in Directory.GetFiles(parent, RedisNode.PidFile, SearchOption.AllDirectories))
                    RedisNode.End(Path.GetDirectoryName(pidFile)!);
                Directory.Delete(parent, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException) when (!Directory.Exists(parent))
            {
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The children of a killed server write until they notice.
                Thread.Sleep(100);
            }
        }
    }

    private static void End(string data)
    {
        Kill(data);
        var home = Path.GetDirectoryName(data)!;
        var socketFolder = new ClusterOptions(home, Binaries: "").SocketFolder;
        if (!socketFolder.StartsWith(home, StringComparison.Ordinal) && Directory.Exists(socketFolder))
            Directory.Delete(socketFolder, recursive: true);
    }

    /// <summary>Ends and deletes what killed test runs have left. Never fails: leftovers are a nuisance, not an obstacle.</summary>
    public static void RemoveLeftovers()
    {
        foreach (var parent in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.GetFileName(parent)[Prefix.Length..].Split('-')[0];
            if (!int.TryParse(owner, CultureInfo.InvariantCulture, out var pid) || IsAlive(pid))
                continue;

            Remove(Path.Combine(parent, "postgres"));
        }
    }

    /// <summary>kill -9 of the cluster's server; its children notice and end as well.</summary>
    public static void Kill(string data)
    {
        try
        {
            if (Postmaster.ReadPid(data) is not { } pid || Postmaster.Look(data, pid) != Postmaster.State.Running)
                return;
            using var server = Process.GetProcessById(pid);
            server.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
        }
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
