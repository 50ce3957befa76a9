using System.Net.Security;
using RabbitMQ.Client;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>A connection to the broker, by TLS where that is enabled. What comes passes <see cref="DeliveryFrames"/>.</summary>
internal sealed class BrokerSocket(AddressFamily family, SslOption? tls, ConnectionDeliveries deliveries) : ITcpClient
{
    private readonly Socket _socket = new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private BrokerStream? _stream;

    public bool Connected => _socket.Connected;

    public TimeSpan ReceiveTimeout
    {
        get => TimeSpan.FromMilliseconds(_socket.ReceiveTimeout);
        set => _socket.ReceiveTimeout = (int)value.TotalMilliseconds;
    }

    public Socket Client => _socket;

    public async Task ConnectAsync(IPAddress host, int port, CancellationToken cancellationToken = default)
    {
        await _socket.ConnectAsync(host, port, cancellationToken);
        Stream stream = new NetworkStream(_socket, ownsSocket: true);
        if (tls is not null)
        {
            var secure = new SslStream(stream);
            stream = secure;
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = tls.ServerName,
                RemoteCertificateValidationCallback = (_, _, _, errors) => (errors & ~tls.AcceptablePolicyErrors) == SslPolicyErrors.None,
            };
            await secure.AuthenticateAsClientAsync(options, cancellationToken);
        }

        _stream = new BrokerStream(_socket, stream, new DeliveryFrames(stream, deliveries));
    }

    public NetworkStream GetStream() => _stream ?? throw new InvalidOperationException("There is no connection yet.");

    public void Close() => Dispose();

    public void Dispose()
    {
        _stream?.Dispose();
        _socket.Dispose();
    }

    /// <summary>A network stream for the client, which asks for one: it reads frames, and writes to the stream below.</summary>
    private sealed class BrokerStream(Socket socket, Stream broker, DeliveryFrames frames)
        : NetworkStream(socket, ownsSocket: false)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            frames.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            frames.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer) => throw new NotSupportedException("The broker is read asynchronously.");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            broker.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            broker.WriteAsync(buffer, offset, count, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => broker.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => broker.Write(buffer);

        public override void Flush() => broker.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => broker.FlushAsync(cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                broker.Dispose();
            base.Dispose(disposing);
        }
    }
}
