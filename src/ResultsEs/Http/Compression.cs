using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace ResultsEs.Http;

/// <summary>
/// Allows an endpoint's responses to be compressed where the client asks. Not for responses with a secret, such as a token or a signed
/// URL: their length would tell something of it (BREACH).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CompressedAttribute : Attribute;

/// <summary>The compression of responses, by <c>br</c> or <c>gzip</c>. Requests that ask for none take no further step.</summary>
internal static class Compression
{
    // Smaller responses gain less than a packet. A response without a length is a stream of any length.
    private const int MinBytes = 1_400;

    public static void Add(IServiceCollection services)
    {
        services.AddResponseCompression(static options =>
        {
            // Never a secret: see CompressedAttribute. A cookie counts in no request that another site causes.
            options.EnableForHttps = true;
            options.MimeTypes = ["application/json", "application/x-ndjson", "text/csv", "text/vtt"];
        });
        services.Configure<BrotliCompressionProviderOptions>(static options => options.Level = CompressionLevel.Fastest);
        services.Configure<GzipCompressionProviderOptions>(static options => options.Level = CompressionLevel.Fastest);
        services.AddSingleton<IResponseCompressionProvider, WorthwhileCompression>();
    }

    /// <summary>Adds the middleware, after routing. HEAD is answered without it: there is nothing to compress.</summary>
    public static void Use(WebApplication app) => app.UseWhen(
        static context => context.GetEndpoint()?.Metadata.GetMetadata<CompressedAttribute>() is not null && IsAsked(context),
        static branch => branch.UseResponseCompression());

    private static bool IsAsked(HttpContext context)
    {
        context.Response.Headers.Vary = "Accept-Encoding";
        return context.Request.Headers.AcceptEncoding.Count > 0 && !HeadRequests.IsOne(context);
    }

    private sealed class WorthwhileCompression(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
        : ResponseCompressionProvider(services, options)
    {
        public override bool ShouldCompressResponse(HttpContext context) =>
            context.Response is { StatusCode: StatusCodes.Status200OK, ContentLength: null or >= MinBytes }
            && base.ShouldCompressResponse(context);
    }
}
