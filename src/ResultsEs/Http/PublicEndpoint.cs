namespace ResultsEs.Http;

/// <summary>An endpoint that needs no token: tokens, discovery and health.</summary>
internal static class PublicEndpoint
{
    public static void Map(IEndpointRouteBuilder endpoints, Operation operation, RequestDelegate handler, params object[] metadata) =>
        Map(endpoints, operation.Route!.Value.Method, operation.Route.Value.Path, handler, metadata);

    public static void Map(
        IEndpointRouteBuilder endpoints, string method, string pattern, RequestDelegate handler, params object[] metadata)
    {
        endpoints.MapMethods(pattern, [method], handler).AllowAnonymous().WithMetadata(metadata);

        // Routing's own 405 endpoint would ask for a token, which is the default.
        endpoints.Map(pattern, context =>
        {
            context.Response.Headers.Allow = method;
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }).AllowAnonymous().WithMetadata(metadata);
    }

    public static bool Is(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<IAllowAnonymous>() is not null;
}
