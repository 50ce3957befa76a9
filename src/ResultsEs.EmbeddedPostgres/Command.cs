using System.Diagnostics;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>Runs one of PostgreSQL's programs, or a system tool, to its end.</summary>
internal static class Command
{
    public sealed record Result(int ExitCode, string Output);

    // A null account is our own; only root may run a program as another one.
    public static async Task<Result> RunAsync(
        string program, IEnumerable<string> arguments, string workingDirectory, string? account, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            UserName = account,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };

        // PGPORT, PGOPTIONS and the like change what the programs do. LC_ALL: our code and our errors quote their messages.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = Task.WhenAll(
            process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        // On Windows the server that pg_ctl starts inherits these pipes, so they may never end.
        var isRead = await Task.WhenAny(output, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None)) == output;
        return new Result(process.ExitCode, isRead ? string.Concat(await output).Trim() : "");
    }
}
