using Scalar.AspNetCore;

namespace ResultsEs.Http;

/// <summary>The API's description <c>/openapi/v1.json</c>, and <c>/docs</c>, a page to read and try it. Neither needs a token.</summary>
internal static class ApiPages
{
    public const string DescriptionPath = "openapi/v1.json";
    public const string PagePath = "docs";

    /// <summary>The name of the description's security scheme for a token that the client has.</summary>
    public const string Bearer = "bearer";

    // The page loads nothing from other hosts and sends nothing to them. Its script makes inline styles and a worker.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        + "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void MapApiPages(this WebApplication app)
    {
        PublicEndpoint.Map(app, HttpMethods.Get, "/" + DescriptionPath, static async context =>
        {
            await using var description = typeof(ApiPages).Assembly.GetManifestResourceStream("openapi.json")!;
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = description.Length;
            await description.CopyToAsync(context.Response.Body, context.RequestAborted);
        }, new CompressedAttribute());

        app.MapScalarApiReference("/" + PagePath, static options => options
                .WithTitle("Results API")
                .AddDocument("v1", "Results API", "/" + DescriptionPath)
                .DisableDefaultFonts()
                .DisableAgent()
                .DisableTelemetry()
                .HideClientButton()
                .HideDeveloperTools()
                .AddPreferredSecuritySchemes(Bearer))
            .AllowAnonymous()
            .AddEndpointFilter(static async (call, next) =>
            {
                call.HttpContext.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
                return await next(call);
            });
    }
}
