namespace ResultsEs.Http;

/// <summary>All middleware and endpoints of the service, for requests that come from no server. Set once, as the host starts.</summary>
internal sealed class RequestPipeline
{
    private RequestDelegate? _first;

    /// <summary>Takes what comes behind it, when the pipeline is built. A request does not pass it.</summary>
    public RequestDelegate Take(RequestDelegate next) => _first = next;

    /// <summary>Runs a request.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public Task RunAsync(HttpContext context) =>
        _first?.Invoke(context) ?? throw new InvalidOperationException("The pipeline is not built yet.");
}
