using Scalar.AspNetCore;

namespace ResultsEs.Http;

/// <summary><c>/openapi/v1.json</c>, the description, and <c>/docs</c>, a page that shows it and sends requests. Neither needs a token.</summary>
internal static class ApiPages
{
    public const string DescriptionPath = "openapi/v1.json";
    public const string PagePath = "docs";

    /// <summary>The name that the description gives to access by a token.</summary>
    public const string Bearer = "bearer";

    /// <summary>Nothing of the page comes from elsewhere, and it talks to nobody else. Its script makes styles and a worker of its own.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void MapApiPages(this WebApplication app)
    {
        PublicEndpoint.Map(app, HttpMethods.Get, DescriptionPath, static async context =>
        {
            await using var description = typeof(ApiPages).Assembly.GetManifestResourceStream("openapi.json")!;
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = description.Length;
            await description.CopyToAsync(context.Response.Body, context.RequestAborted);
        });

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
                call.HttpContext.Response.Headers.ContentSecurityPolicy = Policy;
                return await next(call);
            });
    }
}
