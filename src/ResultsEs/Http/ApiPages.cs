using Scalar.AspNetCore;

namespace ResultsEs.Http;

/// <summary>The settings of the pages; section <c>Docs</c>.</summary>
internal sealed class DocsOptions
{
    public const string Section = "Docs";

    /// <summary>False to serve neither the page at <c>/docs</c> nor the description.</summary>
    public bool Enabled { get; init; } = true;
}

/// <summary>The API's description <c>/openapi/v1.json</c>, and <c>/docs</c>, a page to read and try it. Neither needs a token.</summary>
internal static class ApiPages
{
    public const string DescriptionPath = "openapi/v1.json";
    public const string PagePath = "docs";

    /// <summary>The name of the description's security scheme for a token that the client has.</summary>
    public const string Bearer = "bearer";

    private static readonly Lazy<string> PageScript = new(static () =>
    {
        using var script = new StreamReader(Resource("docs-page.js"));
        return script.ReadToEnd();
    });

    public static void AddApiPages(this WebApplicationBuilder builder) =>
        builder.Services.AddSettings<DocsOptions>(builder.Configuration.GetSection(DocsOptions.Section), static _ => []);

    public static void MapApiPages(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<DocsOptions>>().Value.Enabled)
            return;

        PublicEndpoint.Map(app, HttpMethods.Get, "/" + DescriptionPath, static async context =>
        {
            await using var description = Resource("openapi.json");
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = description.Length;
            await description.CopyToAsync(context.Response.Body, context.RequestAborted);
        }, new CompressedAttribute());

        app.MapScalarApiReference("/" + PagePath, static (options, context) =>
            {
                var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18));
                context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy(nonce);
                options
                    .WithTitle("Results API")
                    .AddDocument("v1", "Results API", "/" + DescriptionPath)
                    .WithNonce(nonce)
                    // Scalar's script takes the nonce of its style sheet from there; of all other styles ours takes care.
                    .AddHeadContent($"<meta property=\"csp-nonce\" content=\"{nonce}\" />")
                    .AddHeadContent($"<script nonce=\"{nonce}\">{PageScript.Value}</script>")
                    .DisableDefaultFonts()
                    .DisableAgent()
                    .DisableTelemetry()
                    .HideClientButton()
                    .HideDeveloperTools()
                    .AddPreferredSecuritySchemes(Bearer);
            })
            .AllowAnonymous();
    }

    // The page loads nothing from other hosts and sends nothing to them. Its script makes styles and a worker.
    private static string ContentSecurityPolicy(string nonce) =>
        $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
        + "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static Stream Resource(string name) => typeof(ApiPages).Assembly.GetManifestResourceStream(name)!;
}
