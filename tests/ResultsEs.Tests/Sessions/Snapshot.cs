using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>
/// Compares JSON with a committed file, both with sorted keys and indented. What differs is written beside the file as
/// <c>*.received.json</c>; with <c>UPDATE_SNAPSHOTS=1</c> the files are rewritten instead.
/// </summary>
internal static class Snapshot
{
    private const int ShownLines = 12;

    private static readonly string Folder = typeof(Snapshot).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Snapshots").Value!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The names of the committed files.</summary>
    public static IEnumerable<string> Names => Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileName(file)!)
        .Where(name => !name.EndsWith(".received.json", StringComparison.Ordinal));

    public static async Task MatchesAsync(string name, JsonNode actual)
    {
        var (file, received) = (Path.Combine(Folder, $"{name}.json"), Path.Combine(Folder, $"{name}.received.json"));
        var text = SortedJson.Text(actual);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Folder);
            await File.WriteAllTextAsync(file, text, Cancelled);
        }

        var expected = File.Exists(file) ? SortedJson.Text(await File.ReadAllTextAsync(file, Cancelled)) : "";
        if (text == expected)
        {
            File.Delete(received);
            return;
        }

        await File.WriteAllTextAsync(received, text, Cancelled);
        Assert.Fail($"{name} is not as committed; see {received}\n{Difference(expected.Split('\n'), text.Split('\n'))}");
    }

    /// <summary>From the first line that differs to the last, cut short.</summary>
    private static string Difference(string[] expected, string[] actual)
    {
        var same = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        var left = expected[same..];
        var right = actual[same..];
        var tail = left.Reverse().Zip(right.Reverse()).TakeWhile(pair => pair.First == pair.Second).Count();
        var text = new StringBuilder().AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"from line {same + 1}:");
        foreach (var line in left[..^tail].Take(ShownLines))
            text.Append("- ").AppendLine(line);
        foreach (var line in right[..^tail].Take(ShownLines))
            text.Append("+ ").AppendLine(line);
        return text.ToString();
    }
}
