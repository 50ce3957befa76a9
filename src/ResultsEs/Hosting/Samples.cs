namespace ResultsEs.Hosting;

/// <summary>The sessions of <c>docs/samples</c>, embedded in the program.</summary>
internal static class Samples
{
    private const string Prefix = "samples/";

    /// <summary>The sample that the logged commands read.</summary>
    public const string First = "survey";

    /// <summary>The names of the files, without extension.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(Samples).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => Path.GetFileNameWithoutExtension(name[Prefix.Length..]))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The content of a file: a CloudEvents batch.</summary>
    public static string Read(string name)
    {
        using var reader = new StreamReader(typeof(Samples).Assembly.GetManifestResourceStream($"{Prefix}{name}.json")!);
        return reader.ReadToEnd();
    }

    public static Guid SessionOf(string name) => Guid.Parse((string)Events(name)[0]!["subject"]!);

    /// <summary>The events of all files in one batch, so that all are recorded or none.</summary>
    public static string ReadAll() =>
        new JsonArray([.. Names.SelectMany(Events).Select(sample => sample!.DeepClone())]).ToJsonString();

    private static JsonArray Events(string name) => JsonNode.Parse(Read(name))!.AsArray();
}
