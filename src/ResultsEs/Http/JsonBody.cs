namespace ResultsEs.Http;

/// <summary>
/// A response whose body is JSON, with its length. Everything but an export is sent this way: the framework's own JSON results send parts
/// of unknown number, which some clients do not read.
/// </summary>
/// <param name="parts">The JSON, in one part or several.</param>
/// <param name="status">The status.</param>
internal sealed class JsonBody(IReadOnlyList<ReadOnlyMemory<byte>> parts, int status = StatusCodes.Status200OK) : IResult
{
    public JsonBody(ReadOnlyMemory<byte> json, int status = StatusCodes.Status200OK)
        : this([json], status)
    {
    }

    /// <summary>The response with this value, by its contract.</summary>
    public static JsonBody Of<T>(T value, JsonTypeInfo<T> contract, int status = StatusCodes.Status200OK) =>
        new(JsonSerializer.SerializeToUtf8Bytes(value, contract), status);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = parts.Sum(part => (long)part.Length);
        // What is written before a response has started is copied twice; and each part sent by itself would wake the client.
        await response.StartAsync(httpContext.RequestAborted);
        foreach (var part in parts)
            response.BodyWriter.Write(part.Span);
        await response.BodyWriter.FlushAsync(httpContext.RequestAborted);
    }
}
