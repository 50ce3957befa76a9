using System.IO.Compression;
using ResultsEs.Http;
using ResultsEs.Media;

namespace ResultsEs.Explorer;

/// <summary>
/// The explorer's files, which are part of the program, and its one page. Addresses of files hold a hash of all of them, so a browser
/// keeps each for ever and never mixes two versions.
/// </summary>
internal sealed class ExplorerSite
{
    private const string Prefix = "site/";
    private const string Brotli = "br";

    private static readonly Assembly Program = typeof(ExplorerSite).Assembly;

    // By the ends of the names that there are; others are not sent.
    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".md"] = "text/plain; charset=utf-8",
        [".mjs"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Files = Program.GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && Types.ContainsKey(Path.GetExtension(name)))
        .ToFrozenSet(StringComparer.Ordinal);

    // Once a file and process: all of them are half a megabyte.
    private static readonly ConcurrentDictionary<string, Lazy<byte[]>> Packed = new(StringComparer.Ordinal);

    private static readonly Lazy<string> LazyHash = new(HashOfAll);

    private readonly Lazy<Task<(byte[] Html, string Policy)>> _page;

    public ExplorerSite(IOptions<ExplorerOptions> options, ObjectStore store) =>
        _page = new(() => MakeAsync(options.Value.MediaOrigins, store));

    /// <summary>The hash of all files.</summary>
    public static string Hash => LazyHash.Value;

    /// <summary>Sends the page, which is the same at all of its addresses.</summary>
    public async Task ServePageAsync(HttpContext context)
    {
        var (html, policy) = await _page.Value;
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = policy;
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        await SendAsync(context, "text/html; charset=utf-8", html);
    }

    /// <summary>Sends a file of this version; 404 for another's.</summary>
    public static async Task ServeFileAsync(HttpContext context)
    {
        var (hash, path) = (context.Request.RouteValues["hash"] as string, context.Request.RouteValues["path"] as string);
        if (hash != Hash || !Files.Contains(Prefix + path))
        {
            await Problems.NotFound().ExecuteAsync(context);
            return;
        }

        var headers = context.Response.Headers;
        headers.Vary = "Accept-Encoding";
        var isPacked = context.Request.GetTypedHeaders().AcceptEncoding.Any(one => one.Value == Brotli && one.Quality is not 0);
        if (isPacked)
            headers.ContentEncoding = Brotli;
        var body = isPacked
            ? Packed.GetOrAdd(Prefix + path, static name => new(() => Pack(Read(name)))).Value
            : Read(Prefix + path);
        await SendAsync(context, Types[Path.GetExtension(path)!], body);
    }

    private static byte[] Pack(byte[] file)
    {
        var packed = new byte[BrotliEncoder.GetMaxCompressedLength(file.Length)];
        return BrotliEncoder.TryCompress(file, packed, out var length, quality: 9, window: 22)
            ? packed[..length]
            : throw new InvalidOperationException("A file of the explorer cannot be compressed.");
    }

    private static async Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task<(byte[] Html, string Policy)> MakeAsync(IReadOnlyList<string> origins, ObjectStore store)
    {
        // Where its signed URLs lead, whatever the settings make of bucket and region.
        var signed = await store.SignAsync(Guid.Empty, Guid.Empty, "any", TimeSpan.FromMinutes(1));
        var media = string.Join(' ', (signed is null ? [] : new[] { new Uri(signed.Url).GetLeftPart(UriPartial.Authority) })
            .Concat(origins).Distinct(StringComparer.Ordinal));
        var site = $"/explorer/{Hash}";
        var map = Text("importmap.json").Replace("{site}", site, StringComparison.Ordinal);
        var html = Text("index.html")
            .Replace("{site}", site, StringComparison.Ordinal)
            .Replace("{mediaOrigins}", WebUtility.HtmlEncode(media), StringComparison.Ordinal)
            .Replace("{importMap}", map, StringComparison.Ordinal);
        return (Encoding.UTF8.GetBytes(html), Policy(map, media.Length == 0 ? "" : " " + media));
    }

    // The one script that is not a file is the map of modules' names, which no file can be.
    private static string Policy(string importMap, string media) =>
        $"default-src 'none'; script-src 'self' 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(importMap)))}'; "
        + $"style-src 'self'; img-src 'self' data:{media}; media-src 'self' blob:{media}; connect-src 'self'; font-src 'self' data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private static string HashOfAll()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in Files.Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(SHA256.HashData(Read(name)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static string Text(string name) => Encoding.UTF8.GetString(Read(Prefix + name));

    private static byte[] Read(string resource)
    {
        using var stream = Program.GetManifestResourceStream(resource)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
