using Microsoft.AspNetCore.Http.Features;

namespace ResultsEs.Http;

/// <summary>
/// Middleware that answers HEAD like GET, without the body, for every endpoint. The pipeline sees a GET whose body is discarded, so
/// the two cannot differ in status or headers.
/// </summary>
internal static class HeadRequests
{
    /// <summary>True for a HEAD request, whose body need not be made.</summary>
    public static bool IsOne(HttpContext context) => context.Features.Get<IHttpResponseBodyFeature>()?.Stream is DiscardedBody;

    public static Task Serve(HttpContext context, RequestDelegate next) =>
        HttpMethods.IsHead(context.Request.Method) ? ServeHead(context, next) : next(context);

    private static async Task ServeHead(HttpContext context, RequestDelegate next)
    {
        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var discarded = new StreamResponseBodyFeature(new DiscardedBody(body), body);
        context.Request.Method = HttpMethods.Get;
        context.Features.Set<IHttpResponseBodyFeature>(discarded);
        try
        {
            await next(context);
            await discarded.CompleteAsync();
        }
        finally
        {
            context.Features.Set(body);
            context.Request.Method = HttpMethods.Head;
        }
    }

    /// <summary>
    /// A body that drops what is written, but starts the response where a GET's would start. Frameworks take a response that has not
    /// started for unanswered (Wolverine makes it 204).
    /// </summary>
    private sealed class DiscardedBody(IHttpResponseBodyFeature body) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => body.StartAsync(cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            body.StartAsync(cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(body.StartAsync(cancellationToken));

        public override void Flush() => throw new NotSupportedException("Answers are written asynchronously.");

        public override void Write(byte[] buffer, int offset, int count) => Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
