using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>
/// Settings of the explorer; section <c>Explorer</c>. How people sign in by an issuer says <see cref="ExplorerClientOptions"/>.
/// </summary>
internal sealed class ExplorerOptions
{
    public const string Section = "Explorer";

    /// <summary>The most origins of <see cref="MediaOrigins"/>: they are in a header of each page.</summary>
    private const int MaxMediaOrigins = 20;

    /// <summary>False: there are no pages, no signing in, and no cookie counts. Default: true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Origins beside the object store's whose pictures and recordings pages load. Default: none.</summary>
    public List<string> MediaOrigins { get; init; } = [];

    public static IEnumerable<string> Problems(ExplorerOptions options)
    {
        if (options.MediaOrigins.Count > MaxMediaOrigins)
            yield return $"{Section}:MediaOrigins has {options.MediaOrigins.Count} entries; {MaxMediaOrigins} are the most.";
        for (var i = 0; i < options.MediaOrigins.Count; i++)
        {
            if (!AccessProblems.IsOrigin(options.MediaOrigins[i]))
                yield return $"{Section}:MediaOrigins:{i} must be an origin, such as https://media.example, without a path.";
        }
    }
}
