namespace ResultsEs.Search;

/// <summary>The configurations of PostgreSQL's text search, by the primary subtag of a language.</summary>
internal static class SearchLanguage
{
    /// <summary>The configuration of texts whose language is not known: words as they are, in lower case.</summary>
    public const string Simple = "simple";

    // Those that PostgreSQL has from version 14 on.
    private static readonly FrozenDictionary<string, string> Configurations = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["ar"] = "arabic",
        ["ca"] = "catalan",
        ["da"] = "danish",
        ["de"] = "german",
        ["el"] = "greek",
        ["en"] = "english",
        ["es"] = "spanish",
        ["eu"] = "basque",
        ["fi"] = "finnish",
        ["fr"] = "french",
        ["ga"] = "irish",
        ["hi"] = "hindi",
        ["hu"] = "hungarian",
        ["hy"] = "armenian",
        ["id"] = "indonesian",
        ["it"] = "italian",
        ["lt"] = "lithuanian",
        ["nb"] = "norwegian",
        ["ne"] = "nepali",
        ["nl"] = "dutch",
        ["nn"] = "norwegian",
        ["no"] = "norwegian",
        ["pt"] = "portuguese",
        ["ro"] = "romanian",
        ["ru"] = "russian",
        ["sr"] = "serbian",
        ["sv"] = "swedish",
        ["ta"] = "tamil",
        ["tr"] = "turkish",
        ["yi"] = "yiddish",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>A text in lower case, of all scripts: PostgreSQL's own depends on the database's locale.</summary>
    public static string Lower(string text) => text.ToLowerInvariant();

    /// <summary>The configuration of a BCP 47 tag such as <c>pt-BR</c>; <see cref="Simple"/> where there is none.</summary>
    public static string Of(string? tag) =>
        tag is null ? Simple : Configurations.GetValueOrDefault(tag.Split('-', '_')[0].Trim(), Simple);
}
