using ResultsEs.Http;

namespace ResultsEs.Explorer;

/// <summary>
/// What tells a request of the explorer's own pages from one that another site makes a browser send. A method that changes something needs
/// a header that no form can have, and comes from the same origin by the browser's own word.
/// </summary>
internal static class SameOrigin
{
    /// <summary>The header that the explorer's scripts send with each method that changes something.</summary>
    public const string Header = "X-Explorer";

    private const string FetchSite = "Sec-Fetch-Site";
    private const string Same = "same-origin";

    /// <summary>True for a request that another site may have caused, and in which a cookie therefore says nothing.</summary>
    public static bool IsForeign(HttpRequest request, Uri? publicAddress) => IsSafe(request.Method)
        // An address that was typed or a bookmark is "none". A browser that sends no such header sends no Lax cookie either, but where
        // a user follows a link, and then changes nothing.
        ? request.Headers[FetchSite].ToString() is not ("" or Same or "none")
        : request.Headers[Header].Count == 0 || !IsSame(request, publicAddress);

    /// <summary>Answers 403, in words that help who writes a script.</summary>
    public static Task RefuseAsync(HttpContext context) =>
        Problems.Forbidden($"With a cookie, requests that change something come from the explorer's pages, with the header {Header}.")
            .ExecuteAsync(context);

    /// <summary>True for a method that changes nothing.</summary>
    public static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    private static bool IsSame(HttpRequest request, Uri? publicAddress)
    {
        // Browsers send it over TLS and to this machine, and no script can set it.
        if (request.Headers[FetchSite].ToString() is { Length: > 0 } site)
            return site == Same;
        return Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin) && origin.Scheme is "http" or "https"
            && (string.Equals(origin.Authority, Authority(request), StringComparison.OrdinalIgnoreCase)
                || (publicAddress is not null && origin.Authority == publicAddress.Authority));
    }

    // Without the port that is the scheme's own, as an origin has it.
    private static string Authority(HttpRequest request) =>
        Uri.TryCreate($"{request.Scheme}://{request.Headers.Host}", UriKind.Absolute, out var uri) ? uri.Authority : "";
}
