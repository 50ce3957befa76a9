using System.Diagnostics;
using ResultsEs.Tests.Commands;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Hosting;

/// <summary><c>tests/image.sh</c>: what the Dockerfile does, as processes, and <c>docs/operations/smoke.sh</c> against two nodes of it.</summary>
public sealed class ImageTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_image_holds_makes_its_tables_and_serves_from_two_nodes_without_a_compiler()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The image's steps are those of a shell.");

        // Where it is not published yet, it is built in a copy: beside the tests it would change the program that they run.
        var start = new ProcessStartInfo("bash", [Path.Combine(ServiceProcess.Published is null ? Sources.Copy() : ServiceProcess.Repository, "tests/image.sh")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            Environment = { ["ConnectionStrings__results"] = await TestDatabase.CreateEmptyAsync() },
        };
        Sources.ForgetBuild(start);
        using var steps = Process.Start(start)!;
        var errors = steps.StandardError.ReadToEndAsync(Cancelled);
        var output = await steps.StandardOutput.ReadToEndAsync(Cancelled);
        await steps.WaitForExitAsync(Cancelled);

        Assert.True(steps.ExitCode == 0, output + await errors);
        Assert.EndsWith("the image's steps are right", output.TrimEnd(), StringComparison.Ordinal);
    }
}
