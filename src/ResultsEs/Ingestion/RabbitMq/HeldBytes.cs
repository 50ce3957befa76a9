namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// The bytes of messages that the node has of one virtual host, on whichever connections they came. A single message always has room.
/// Owns the count; a lock guards it.
/// </summary>
internal sealed class HeldBytes(long limit)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _held;

    public long Held
    {
        get
        {
            lock (_gate)
                return _held;
        }
    }

    /// <summary>Completes when bytes are returned after the last attempt to take some.</summary>
    public Task Returned
    {
        get
        {
            lock (_gate)
                return _returned.Task;
        }
    }

    public bool TryTake(long bytes)
    {
        lock (_gate)
        {
            if (_held > 0 && _held + bytes > limit)
            {
                if (_returned.Task.IsCompleted)
                    _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
                return false;
            }

            _held += bytes;
            return true;
        }
    }

    public void Return(long bytes)
    {
        lock (_gate)
        {
            _held -= bytes;
            _returned.TrySetResult();
        }
    }
}

/// <summary>A part of a message that is larger than a message may be: its number, how many there are, the bytes of the whole.</summary>
internal sealed record MessagePart(int Number, int Count, ulong Bytes);

/// <summary>
/// The deliveries of one connection: bytes that have come and are in no handler's hand yet, and messages that come in parts.
/// Owns both; a lock guards them.
/// </summary>
internal sealed class ConnectionDeliveries(HeldBytes held) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, (MessagePart Whole, int Left)> _inParts = [];
    private long _coming;
    private bool _isClosed;

    /// <summary>Completes when there may be room again.</summary>
    public Task Returned => held.Returned;

    /// <summary>Takes room for a message that is about to come; false while there is none.</summary>
    public bool TryTake(long bytes)
    {
        lock (_gate)
        {
            if (_isClosed || !held.TryTake(bytes))
                return false;

            _coming += bytes;
            return true;
        }
    }

    /// <summary>Announces that a delivery comes in parts of one tag.</summary>
    public void Split(ulong tag, int count, ulong bytes)
    {
        lock (_gate)
            _inParts[tag] = (new MessagePart(0, count, bytes), count);
    }

    /// <summary>Which part of a message a delivery is; null when it is a whole one. Its number stands in the routing key.</summary>
    public MessagePart? PartOf(ulong tag, string routingKey)
    {
        lock (_gate)
        {
            return _inParts.TryGetValue(tag, out var parts)
                ? parts.Whole with { Number = int.Parse(routingKey, NumberStyles.None, CultureInfo.InvariantCulture) }
                : null;
        }
    }

    /// <summary>True when this part was the last one to be done, or the message came whole: it may be acknowledged.</summary>
    public bool IsDone(ulong tag)
    {
        lock (_gate)
        {
            if (!_inParts.TryGetValue(tag, out var parts))
                return true;
            if (parts.Left == 1)
                return _inParts.Remove(tag);

            _inParts[tag] = (parts.Whole, parts.Left - 1);
            return false;
        }
    }

    /// <summary>Hands a delivery to its handler, which returns its bytes; false when the connection has ended.</summary>
    public bool TryBegin(long bytes)
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;

            _coming -= bytes;
            return true;
        }
    }

    public void End(long bytes) => held.Return(bytes);

    /// <summary>Returns the bytes that no handler has got. The broker gives these messages to somebody else.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;

            _isClosed = true;
            held.Return(_coming);
        }
    }
}
