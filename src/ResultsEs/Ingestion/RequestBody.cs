using System.IO.Compression;
using Microsoft.Net.Http.Headers;
using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Ingestion;

/// <summary>The body of a request with events, unpacked, in a pooled buffer. It is never larger than a request may be.</summary>
internal sealed class RequestBody : IDisposable
{
    // Lines may be any number, but a small body must not keep a processor busy for long.
    private const long MaxUnpackedLines = 256 * 1024 * 1024;

    private const int FirstBuffer = 64 * 1024;

    // The most characters of a name that a refusal repeats.
    private const int MaxName = 100;

    private byte[] _buffer;
    private int _length;

    private RequestBody(int length) => _buffer = ArrayPool<byte>.Shared.Rent(length);

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Refuses a request by the name of its content encoding, charset or content type; null when all are taken.</summary>
    public static IResult? RefusalOf(HttpRequest request, bool isBinary, bool isTaken)
    {
        var codings = CodingsOf(request);
        if (codings is not ([] or ["gzip"]))
        {
            request.HttpContext.Response.Headers.AcceptEncoding = "gzip, identity";
            return Unsupported("content encoding", string.Join(", ", codings), "Send the body as it is, or packed by gzip.");
        }

        if (isTaken && !isBinary)
            return null;

        const string taken =
            "Send application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson, in UTF-8.";
        var contentType = request.ContentType;
        if (MediaTypeHeaderValue.TryParse(contentType, out var type) && CloudEventReader.MediaTypeOf(contentType) is null)
            return Unsupported("charset", type.Charset.ToString(), taken);
        if (!isBinary)
            return Unsupported("content type", contentType, taken);
        return string.IsNullOrEmpty(contentType) || CloudEventAttributes.IsJson(contentType)
            ? null
            : Unsupported("content type", contentType, "With ce- headers the body is the event's data; send it as application/json.");
    }

    public static bool IsGzip(HttpRequest request) => CodingsOf(request) is ["gzip"];

    /// <summary>
    /// Reads a body, whose bytes count as the client's from when they come. Null when it, or what it unpacks to, is larger than a request
    /// may be, or when the share refuses it.
    /// </summary>
    /// <exception cref="InvalidDataException">The body is not the gzip that it is said to be.</exception>
    public static async Task<RequestBody?> ReadAsync(HttpRequest request, Share upload, CancellationToken cancellation)
    {
        const int most = PostEventsEndpoint.MaxRequestBytes;
        if (request.ContentLength > most)
            return null;

        var counted = 0L;
        var read = await request.BodyReader.ReadAsync(cancellation);
        while (read.Buffer.Length <= most && upload.TryGrow(read.Buffer.Length - counted) && !read.IsCompleted)
        {
            counted = read.Buffer.Length;
            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await request.BodyReader.ReadAsync(cancellation);
        }

        if (read.Buffer.Length > most || upload.Refusal is not null)
            return null;

        var body = new RequestBody((int)read.Buffer.Length);
        read.Buffer.CopyTo(body._buffer);
        body._length = (int)read.Buffer.Length;
        request.BodyReader.AdvanceTo(read.Buffer.End);
        if (!IsGzip(request))
            return body;

        using (body)
            return Unpack(body._buffer, body._length);
    }

    /// <summary>A body of lines, unpacked as it is read.</summary>
    public static PipeReader Unpacked(HttpRequest request) =>
        PipeReader.Create(
            new Unpacking(new GZipStream(request.BodyReader.AsStream(), CompressionMode.Decompress)),
            new StreamPipeReaderOptions(bufferSize: FirstBuffer));

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Unpacks gzip. Null when it unpacks to more than a request may have.</summary>
    /// <exception cref="InvalidDataException">The bytes are not whole gzip.</exception>
    public static RequestBody? Unpack(byte[] packed, int length)
    {
        const int most = PostEventsEndpoint.MaxRequestBytes;
        using var gzip = new Unpacking(new GZipStream(new MemoryStream(packed, 0, length), CompressionMode.Decompress));
        var body = new RequestBody(FirstBuffer);
        try
        {
            int count;
            while ((count = gzip.Read(body._buffer, body._length, Math.Min(body._buffer.Length, most + 1) - body._length)) > 0)
            {
                if ((body._length += count) > most)
                {
                    body.Dispose();
                    return null;
                }

                body.Grow();
            }

            return body;
        }
        catch (InvalidDataException)
        {
            body.Dispose();
            throw;
        }
    }

    private void Grow()
    {
        if (_length < _buffer.Length)
            return;

        var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        Bytes.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    /// <summary>The content codings of a request, without those that change nothing.</summary>
    private static string[] CodingsOf(HttpRequest request) => request.Headers.ContentEncoding.Count == 0
        ? []
        : [.. request.Headers.GetCommaSeparatedValues(HeaderNames.ContentEncoding)
            .Select(coding => coding.Trim().ToLowerInvariant())
            .Where(coding => coding is not ("" or "identity"))
            // RFC 9110, 8.4.1.3.
            .Select(coding => coding == "x-gzip" ? "gzip" : coding)];

    private static IResult Unsupported(string what, string? name, string advice)
    {
        var problem = string.IsNullOrEmpty(name)
            ? $"There is no {what}."
            : $"The {what} {Printable.Excerpt(name, MaxName)} is not taken.";
        return Problems.Of(StatusCodes.Status415UnsupportedMediaType, $"{problem} {advice}");
    }

    /// <summary>A packed stream that ends with an error when it is broken, or unpacks to more than anybody sends.</summary>
    private sealed class Unpacking(GZipStream gzip) : Stream
    {
        private long _count;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                return Counted(gzip.Read(buffer, offset, count));
            }
            catch (InvalidDataException e)
            {
                throw NotGzip(e);
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return Counted(await gzip.ReadAsync(buffer, cancellationToken));
            }
            catch (InvalidDataException e)
            {
                throw NotGzip(e);
            }
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                gzip.Dispose();
            base.Dispose(disposing);
        }

        private int Counted(int count) => (_count += count) <= MaxUnpackedLines ? count : throw new UnpackedTooLargeException(
            $"The body unpacks to more than {MaxUnpackedLines} bytes");

        private static InvalidDataException NotGzip(InvalidDataException e) =>
            new("The body is not whole gzip, as its content encoding says", e);
    }
}

/// <summary>A packed body of lines is too large when it is unpacked.</summary>
internal sealed class UnpackedTooLargeException(string message) : Exception(message);
