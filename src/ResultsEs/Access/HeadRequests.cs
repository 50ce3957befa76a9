using Microsoft.AspNetCore.Http.Features;

namespace ResultsEs.Access;

/// <summary>
/// Answers HEAD as GET without the body, for every endpoint whoever maps it: the pipeline sees a GET whose body goes nowhere,
/// so the two cannot differ in status or headers.
/// </summary>
internal static class HeadRequests
{
    public static async Task Serve(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            return;
        }

        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Request.Method = HttpMethods.Get;
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null, body));
        try
        {
            await next(context);
        }
        finally
        {
            context.Features.Set(body);
            context.Request.Method = HttpMethods.Head;
        }
    }
}
