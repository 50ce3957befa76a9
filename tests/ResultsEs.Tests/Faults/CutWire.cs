using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ResultsEs.Tests.Faults;

/// <summary>A TCP proxy before a server whose connections can be cut in the ways networks cut them.</summary>
internal sealed class CutWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<(Socket Client, Socket Server), byte> _pairs = new();
    private readonly int _target;
    private readonly Task _accepting;
    private volatile bool _stalled;
    private volatile bool _closed;
    private volatile int _delay;

    public CutWire(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Nothing gets through in either direction, and nobody is told, until <see cref="Flow"/>.</summary>
    public void Stall() => _stalled = true;

    /// <summary>What was held back gets through.</summary>
    public void Flow() => _stalled = false;

    /// <summary>Whatever is sent takes so long, in either direction, until told otherwise.</summary>
    public void Delay(int milliseconds) => _delay = milliseconds;

    /// <summary>Every connection ends at once with a reset; new ones are taken.</summary>
    public void Reset()
    {
        foreach (var (client, server) in _pairs.Keys)
        {
            // Without lingering, closing sends a reset; on one that has just ended by itself it does nothing.
            client.Close(timeout: 0);
            server.Close(timeout: 0);
        }
    }

    /// <summary>Every connection ends, and new ones are closed as soon as they are made, until <see cref="Open"/>.</summary>
    public void Drop()
    {
        _closed = true;
        Reset();
    }

    /// <summary>New connections are taken again.</summary>
    public void Open() => _closed = false;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        Reset();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stopping.Token);
                if (_closed)
                    client.Close();
                else
                    _ = CarryAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stopping.Token);
                _pairs[(client, server)] = 0;
                await Task.WhenAny(CarryAsync(client, server), CarryAsync(server, client));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One end is gone; the other is closed with it.
            }
            finally
            {
                _pairs.TryRemove((client, server), out _);
            }
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stopping.Token) is > 0 and var count)
        {
            while (_stalled)
                await Task.Delay(10, _stopping.Token);
            if (_delay > 0)
                await Task.Delay(_delay, _stopping.Token);
            for (var sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stopping.Token);
        }
    }
}
