using Microsoft.AspNetCore.Http.Features;

namespace ResultsEs.Http;

/// <summary>
/// Answers HEAD as GET without the body, for every endpoint whoever maps it: the pipeline sees a GET whose body goes nowhere,
/// so the two cannot differ in status or headers.
/// </summary>
internal static class HeadRequests
{
    /// <summary>Whether a request is answered without its body, for endpoints to which that is much work.</summary>
    public static bool IsOne(HttpContext context) => context.Features.Get<IHttpResponseBodyFeature>()?.Stream is DiscardedBody;

    public static Task Serve(HttpContext context, RequestDelegate next) => HttpMethods.IsHead(context.Request.Method) ? ServeHead(context, next) : next(context);

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
    /// Drops what is written, but starts the answer where a GET's would start: frameworks decide by that whether an endpoint
    /// has answered (Wolverine makes it 204 if not).
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

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => body.StartAsync(cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => new(body.StartAsync(cancellationToken));

        public override void Flush() => throw new NotSupportedException("Answers are written asynchronously.");

        public override void Write(byte[] buffer, int offset, int count) => Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
