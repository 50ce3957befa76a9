namespace ResultsEs.Explorer;

/// <summary>The page to show after signing in. Pure.</summary>
internal static class ReturnTo
{
    /// <summary>The first page.</summary>
    public const string Start = "/";

    private const int MaxLength = 1_000;

    // Any host: only what is behind it is used.
    private static readonly Uri Here = new("http://here.invalid/");

    /// <summary>The page that was asked for, in ASCII; the first one where that is no page of the explorer.</summary>
    public static string Of(string? asked) =>
        asked is { Length: > 0 and <= MaxLength } && asked[0] == '/'
        && !asked.Any(character => character is '\\' || char.IsControl(character))
        && Uri.TryCreate(Here, asked, out var uri) && uri.Authority == Here.Authority && uri.Scheme == Here.Scheme
        && IsPage(uri.AbsolutePath)
            ? uri.PathAndQuery
            : Start;

    private static bool IsPage(string path) => path.Split('/') is ["", "" or "operating"] or ["", "tests" or "sessions", { Length: > 0 }];
}
