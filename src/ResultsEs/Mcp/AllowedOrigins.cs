using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Mcp;

/// <summary>
/// The origins whose pages may ask: this service's own public address, and those of CORS. A page of another origin is refused even where
/// it made its name stand for this service's address (DNS rebinding).
/// </summary>
internal sealed class AllowedOrigins
{
    private readonly FrozenSet<string> _origins;

    private AllowedOrigins(IEnumerable<string> origins) => _origins = origins.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static AllowedOrigins Of(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<AccessOptions>>().Value;
        var own = TokenIssuer.Issuer(options, services.GetRequiredService<IConfiguration>());
        return new AllowedOrigins([own.GetLeftPart(UriPartial.Authority), .. options.Cors.Origins]);
    }

    /// <summary>The handler behind the check. Programs that are no browsers send no origin.</summary>
    public RequestDelegate Guard(RequestDelegate next) => context =>
        context.Request.Headers.Origin is { Count: > 0 } origin && !_origins.Contains(origin.ToString())
            ? Problems.Forbidden("Pages of this origin may not ask here.").ExecuteAsync(context)
            : next(context);
}
