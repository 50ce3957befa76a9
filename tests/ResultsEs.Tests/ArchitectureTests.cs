using System.Text.RegularExpressions;

namespace ResultsEs.Tests;

/// <summary>The house stands as docs/architecture.md draws it.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>The folders of the service, from the lowest to the highest, each with those that it may name beside ResultsEs.Contracts.</summary>
    private static readonly (string Folder, string[] MayName)[] Arrows =
    [
        ("Common", []),
        ("EventStore", ["Common", "EmbeddedPostgres"]),
        ("Http", ["Common"]),
        ("Access", ["Http", "Common", "EmbeddedPostgres"]),
        ("Sessions", ["EventStore", "Access", "Http", "Common"]),
        ("TestResults", ["Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Changes", ["TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Search", ["Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Summaries", ["Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Exports", ["Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Media", ["TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Ingestion", ["Media", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Webhooks", ["Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Privacy", ["Ingestion", "Media", "Exports", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Explorer", ["Media", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Rebuilding", ["Ingestion", "Media", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Commands", ["Summaries", "Webhooks", "Rebuilding", "Privacy", "Ingestion", "Media", "Exports", "Search", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Mcp", ["Summaries", "Search", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Operating", ["Summaries", "Webhooks", "Rebuilding", "Privacy", "Ingestion", "Media", "Exports", "Search", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
        ("Hosting", ["Operating", "Mcp", "Explorer", "Commands", "Summaries", "Webhooks", "Rebuilding", "Privacy", "Ingestion", "Media", "Exports", "Search", "Changes", "TestResults", "Sessions", "EventStore", "Access", "Http", "Common"]),
    ];

    private static readonly string Source = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../src"));

    [Fact]
    public void Folders_name_only_those_below_them()
    {
        var folders = Arrows.ToDictionary(arrow => arrow.Folder, arrow => arrow.MayName, StringComparer.Ordinal);
        var wrong = Files("ResultsEs").Where(file => file.Folder.Length > 0)
            .SelectMany(file => Named().Matches(file.Text)
                .Select(named => named.Groups["name"].Value)
                .Where(named => named != file.Folder && named != "Contracts" && !folders[file.Folder].Contains(named, StringComparer.Ordinal)
                    && (folders.ContainsKey(named) || named is "EmbeddedPostgres" or "OpenApi"))
                .Select(named => $"{file.Name} names {named}"))
            .Distinct(StringComparer.Ordinal);
        Assert.Empty(wrong);
        Assert.Equal(folders.Keys.Order(StringComparer.Ordinal), Files("ResultsEs").Select(file => file.Folder).Where(folder => folder.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("ResultsEs.Contracts")]
    [InlineData("ResultsEs.EmbeddedPostgres")]
    public void What_others_build_on_names_nothing_of_ours(string project) =>
        Assert.Empty(Files(project).SelectMany(file => Named().Matches(file.Text).Select(named => "ResultsEs." + named.Groups["name"].Value)
            .Where(named => named != project).Select(named => $"{file.Name} names {named}")));

    [Fact]
    public void Only_the_event_store_knows_the_tables_of_Marten() =>
        Assert.Empty(Files("ResultsEs").Where(file => file.Folder != "EventStore" && file.Text.Contains("mt_", StringComparison.Ordinal)).Select(file => file.Name));

    [Fact]
    public void Events_and_streams_are_inserted_by_Marten_alone() =>
        Assert.Empty(Files("ResultsEs").Where(file => Inserted().IsMatch(file.Text)).Select(file => file.Name));

    [Fact]
    public void Lines_end_before_140_characters() =>
        Assert.Empty(Directory.EnumerateDirectories(Source).SelectMany(project => Files(Path.GetFileName(project)))
            .SelectMany(file => file.Text.Split('\n').Index().Where(line => line.Item.Length >= 140).Select(line => $"{file.Name}:{line.Index + 1}")));

    /// <summary>As dotnet format orders them; the build does not look at it.</summary>
    [Fact]
    public void Usings_are_in_order()
    {
        var repository = Path.GetDirectoryName(Source)!;
        var projects = Directory.EnumerateDirectories(Source).Concat(Directory.EnumerateDirectories(Path.Combine(repository, "tests"), "ResultsEs.*")).ToList();
        Assert.Equal(6, projects.Count(project => Directory.EnumerateFiles(project, "*.csproj").Any()));
        Assert.Empty(projects.SelectMany(project => Files(project)).Where(file => !AreInOrder(file.Text)).Select(file => file.Name));
        Assert.False(AreInOrder("using ResultsEs.Http;\nusing ResultsEs.Access;\n"));

        static bool AreInOrder(string text)
        {
            var usings = Using().Matches(text).Select(match => match.Groups["name"].Value).ToList();
            return usings.SequenceEqual(usings.OrderBy(name => name == "System" || name.StartsWith("System.", StringComparison.Ordinal) ? 0 : 1).ThenBy(name => name, StringComparer.OrdinalIgnoreCase));
        }
    }

    private static IEnumerable<(string Name, string Folder, string Text)> Files(string project)
    {
        var root = Path.Combine(Source, project);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'))
            .Where(name => !name.StartsWith("obj/", StringComparison.Ordinal) && !name.StartsWith("bin/", StringComparison.Ordinal))
            .Select(name => (name, name.Contains('/', StringComparison.Ordinal) ? name[..name.IndexOf('/', StringComparison.Ordinal)] : "", File.ReadAllText(Path.Combine(root, name))));
    }

    [GeneratedRegex(@"\bResultsEs\.(?<name>[A-Z]\w+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Named();

    [GeneratedRegex(@"^using (?<name>[\w.]+);\r?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Using();

    [GeneratedRegex(@"(insert\s+into|update|delete\s+from|copy)\s+(results\.)?mt_(events|streams)\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Inserted();
}
