using System.Text.RegularExpressions;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests;

/// <summary>README.md and the documentation are for strangers, who have nobody to ask.</summary>
public sealed partial class ReadmeTests
{
    internal static readonly string Root = Path.GetDirectoryName(DataFolder.Find(configured: null, AppContext.BaseDirectory, AppContext.BaseDirectory, File.Exists))!;

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/api.md")]
    public async Task What_a_page_says_to_type_gives_what_it_says(string page)
    {
        if (OperatingSystem.IsWindows())
            return;

        using var data = new TempFolder();
        using var service = ServiceProcess.Start(
            ("ASPNETCORE_ENVIRONMENT", "Development"), ("ConnectionStrings__results", await TestDatabase.CreateAsync()), ("RESULTS_DATA", data.Path));
        await service.UntilSaysAsync("/api/v3/sessionResults/");
        service.Ignore();
        await ClientTests.UntilCountedAsync(service.Address);

        // One shell for all blocks, as for the reader; each block's output ends with a mark.
        const string Mark = "\u0001";
        var blocks = Blocks().Matches(await File.ReadAllTextAsync(Path.Combine(Root, page), TestContext.Current.CancellationToken));
        var script = string.Join('\n', blocks
            .Where(block => block.Groups["language"].Value == "sh")
            .Select(block => block.Groups["text"].Value + $"\nprintf '{Mark}'"));
        var ran = await Command.RunAsync(
            "bash", ["-ec", script.Replace("http://localhost:5080/", service.Address.ToString(), StringComparison.Ordinal).Replace("/tmp/", data.Path + "/", StringComparison.Ordinal)],
            "/", account: null, TestContext.Current.CancellationToken);

        Assert.Equal(0, ran.ExitCode);
        Assert.Equal(
            blocks.Where(block => block.Groups["language"].Value != "sh").Select(block => Lasting(block.Groups["text"].Value)),
            ran.Output.Split(Mark).Select(Lasting).Where(output => output.Length > 0));
    }

    [Fact]
    public void Every_test_that_the_page_on_security_names_is_there()
    {
        var classes = typeof(ReadmeTests).Assembly.GetTypes().Select(type => type.Name).ToHashSet(StringComparer.Ordinal);
        var named = TestNames().Matches(File.ReadAllText(Path.Combine(Root, "docs/security.md"))).Select(match => match.Groups["name"].Value).ToList();

        Assert.InRange(named.Count, 25, 200);
        Assert.Empty(named.Except(classes, StringComparer.Ordinal));
    }

    /// <summary>What does not change from one day to the next.</summary>
    private static string Lasting(string output) => OfTheMoment().Replace(output.Trim().ReplaceLineEndings("\n"), "…");

    [Fact]
    public void Every_link_of_the_documentation_leads_somewhere()
    {
        string[] pages = [Path.Combine(Root, "README.md"), .. Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)];

        var broken = pages.SelectMany(page => Links().Matches(File.ReadAllText(page))
            .Select(link => link.Groups["path"].Value)
            .Where(path => !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, path)))
            .Select(path => $"{Path.GetRelativePath(Root, page)}: {path}"));

        Assert.Empty(broken);
    }

    [GeneratedRegex("(?<=\"(updatedTime|asOf|expiresAt)\": ?\")[^\"]+|(?<=\"nextCursor\":\")A[Q-v][^\"]+|(?<=X-Amz-(Date|Signature|Credential|Expires)=)[^&\"]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfTheMoment();

    [GeneratedRegex("`(?<name>[A-Za-z]+(Tests|Laws))`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex TestNames();

    [GeneratedRegex("^```(?<language>sh|json|vtt|csv)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"\]\((?<path>(?!https?:|#)[^)#]+)(#[^)]*)?\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Links();
}
