using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.Commands;

/// <summary>Commands that need no database: they neither look for one nor start one.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TempFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData(1, "http://127.0.0.1:1/ does not answer: ", "health", "http://127.0.0.1:1")]
    [InlineData(1, "here is no URL.", "health", "here")]
    [InlineData(1, "Documents are rebuilt while the service serves by: rebuild session-results, highlight-reels or test-definitions.", "projections", "rebuild", "--projection", "SessionResult")]
    [InlineData(0, "", "help", "history")]
    [InlineData(0, "", "help")]
    [InlineData(0, "", "--help")]
    [InlineData(2, "There is no command 'frobnicate'. Commands:", "frobnicate")]
    [InlineData(2, "There is no command 'veryfy'. Commands:", "veryfy", "all")]
    [InlineData(2, "There is no command 'frobnicate'. Commands:", "help", "frobnicate")]
    public async Task A_command_that_needs_no_database_leaves_it_alone(int exitCode, string errors, params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), (DataFolder.Variable, _data.Path));

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal(exitCode != 0, run.Output.Length == 0);
        Assert.DoesNotContain("Searching", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output + run.Errors, StringComparison.Ordinal);
        Assert.StartsWith(errors, run.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_data.Path));
    }

    [Fact]
    public async Task Help_lists_our_commands_first_and_by_themselves()
    {
        var run = await ServiceProcess.RunAsync(["help"], (DataFolder.Variable, _data.Path));

        var lines = run.Output.Split('\n');
        var ours = lines.Skip(1).TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim().Split("  ")[0]);
        Assert.StartsWith("Without a command the service starts.", lines[0], StringComparison.Ordinal);
        Assert.Equal(["audit", "clients", "deadletters", "erasures", "export", "export-participant", "hash-secret", "health", "history", "import", "projections rebuild", "rebuild", "replay", "retention", "set-aside", "verify", "webhooks"], ours);
        Assert.Contains(lines, line => line.StartsWith("  db-apply ", StringComparison.Ordinal));
    }
}
