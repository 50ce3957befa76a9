namespace ResultsEs.Http;

/// <summary>
/// A response whose body is JSON, with its length. Everything but an export is sent this way: the framework's own JSON results send parts
/// of unknown number, which some clients do not read.
/// </summary>
internal sealed class JsonBody(ReadOnlyMemory<byte> json, int status = StatusCodes.Status200OK) : IResult
{
    /// <summary>The response with this value, by its contract.</summary>
    public static JsonBody Of<T>(T value, JsonTypeInfo<T> contract, int status = StatusCodes.Status200OK) =>
        new(JsonSerializer.SerializeToUtf8Bytes(value, contract), status);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = json.Length;
        return response.Body.WriteAsync(json, httpContext.RequestAborted).AsTask();
    }
}
