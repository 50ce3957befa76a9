using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace ResultsEs.Mcp;

/// <summary>An endpoint's method, with a request of its own.</summary>
internal delegate Task<IResult> EndpointMethod(HttpContext http, CancellationToken cancellation);

/// <summary>What an endpoint answered.</summary>
internal sealed record EndpointAnswer(int Status, byte[] Body, StringValues RetryAfter);

/// <summary>
/// A call of an endpoint from within a request of the same caller. Parameters, access, shares and refusals are the endpoint's own, so
/// what a tool answers cannot differ from what the API does.
/// </summary>
internal static class EndpointCall
{
    /// <summary>Calls an endpoint; each value is a parameter of its path and of its query.</summary>
    public static async Task<EndpointAnswer> SendAsync(
        HttpContext caller, EndpointMethod endpoint, IReadOnlyDictionary<string, StringValues> values, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        var ended = new EndOfCall();
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = HttpMethods.Get });
        features.Set<IHttpResponseFeature>(ended);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        var http = new DefaultHttpContext(features)
        {
            User = caller.User,
            RequestServices = caller.RequestServices,
            RequestAborted = cancellation,
        };
        http.Request.Query = new QueryCollection(values.ToDictionary(value => value.Key, value => value.Value, StringComparer.Ordinal));
        foreach (var (name, value) in values)
            http.Request.RouteValues[name] = value.ToString();
        try
        {
            await (await endpoint(http, cancellation)).ExecuteAsync(http);
            await http.Response.BodyWriter.FlushAsync(cancellation);
            return new EndpointAnswer(http.Response.StatusCode, body.ToArray(), http.Response.Headers.RetryAfter);
        }
        finally
        {
            await ended.EndAsync();
        }
    }

    /// <summary>What is to be done when the call has ended: shares are given back.</summary>
    private sealed class EndOfCall : HttpResponseFeature
    {
        private readonly Stack<(Func<object, Task> Callback, object State)> _callbacks = [];

        public override void OnCompleted(Func<object, Task> callback, object state) => _callbacks.Push((callback, state));

        public async Task EndAsync()
        {
            while (_callbacks.TryPop(out var one))
                await one.Callback(one.State);
        }
    }
}
