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
    [InlineData(1, "Documents are rebuilt while the service serves by: rebuild session-results, and rebuild highlight-reels.", "projections", "rebuild", "--projection", "SessionResult")]
    [InlineData(0, "", "help", "history")]
    public async Task A_command_that_needs_no_database_leaves_it_alone(int exitCode, string errors, params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), (DataFolder.Variable, _data.Path));

        if (arguments[0] != "help")
            Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.StartsWith(errors, run.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_data.Path));
    }
}
