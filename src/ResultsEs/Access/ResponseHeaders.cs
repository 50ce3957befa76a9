using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary>
/// The headers of every response, set as it starts. The middleware is registered first, so its callback runs last: after the exception
/// handler has cleared headers and OpenIddict has set its own.
/// </summary>
internal sealed class ResponseHeaders(RequestDelegate next, RateLimits limits)
{
    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(static async state =>
        {
            var (limits, context) = ((RateLimits, HttpContext))state;
            Set(context, await limits.StatusOfAsync(context));
        }, (limits, context));
        return next(context);
    }

    private static void Set(HttpContext context, RateLimitStatus rate)
    {
        var headers = context.Response.Headers;
        var isImmutable = context.Response.StatusCode == StatusCodes.Status200OK
            && context.GetEndpoint()?.Metadata.GetMetadata<ImmutableAttribute>() is not null;
        headers.CacheControl = isImmutable ? "public, max-age=31536000, immutable" : "private, no-store";
        if (!isImmutable)
            headers.Pragma = "no-cache";
        headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.Remove("ETag");
        headers.Remove("Expires");

        var remaining = rate.Remaining.ToString(CultureInfo.InvariantCulture);
        var reset = rate.ResetSeconds.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-limit"] = rate.Policy.Limit;
        headers["x-ratelimit-remaining"] = remaining;
        headers["x-ratelimit-reset"] = reset;
        headers["RateLimit-Policy"] = rate.Policy.Header;
        headers["RateLimit"] = $"\"{rate.Policy.Name}\";r={remaining};t={reset}";

        // Routing does not know HEAD; see HeadRequests.
        if (context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed && headers.Allow.ToString() is var allow
            && allow.Contains("GET", StringComparison.Ordinal) && !allow.Contains("HEAD", StringComparison.Ordinal))
            headers.Allow = allow.Replace("GET", "GET, HEAD", StringComparison.Ordinal);
    }
}
