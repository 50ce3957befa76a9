using System.Text.RegularExpressions;

namespace ResultsEs.Search;

/// <summary>
/// What stands before each word in the index: a digest of account, workspace and language. So the words of a workspace lie together, and
/// what a search costs does not depend on what others have. Whose a text is, its row says.
/// </summary>
internal static partial class SearchScope
{
    // 48 bits in base64url.
    private const int DigestBytes = 6;

    /// <summary>The digest before the words of a language in a workspace.</summary>
    public static string Of(string account, Guid workspace, string language) => Digest($"{account} {workspace} {language}");

    /// <summary>The one word that all texts of a test in a workspace have.</summary>
    public static string OfTest(string account, Guid workspace, Guid test) => Digest($"{account} {workspace} test {test}");

    /// <summary>Puts a digest before each word of a query, given as PostgreSQL writes it.</summary>
    public static string Scoped(string query, string scope) => Word().Replace(query, word => $"'{scope}{word.ValueSpan[1..]}");

    private static string Digest(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return Base64Url.EncodeToString(hash[..DigestBytes]);
    }

    // Quotes and backslashes within a word are doubled.
    [GeneratedRegex(@"'(?:[^'\\]|''|\\.)*'", RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Word();
}
