namespace ResultsEs.EventStore;

/// <summary>
/// An event that has passed every check that needs no database. Id (the key of idempotency within the account), time and trace context
/// (W3C) are the producer's; source is the recorder and its version; the stream's id is the CloudEvent's <c>subject</c>.
/// </summary>
internal sealed record IncomingEvent(
    Guid Id, Guid StreamId, string Source, DateTimeOffset Time, string? TraceParent, EventType Type, StreamEvent Data)
{
    private long _bytes;

    /// <summary>Who sent it; not known until it is accepted.</summary>
    public Sender Sender { get; init; }

    /// <summary>The bytes of its data as stored.</summary>
    public long Bytes => _bytes == 0 ? _bytes = StoredSize.Of(Type.Write(Data)) : _bytes;

    /// <summary>What it adds to its stream and its document, given the tasks of events before it, to which it adds its own.</summary>
    public StreamSize GrowthIn(HashSet<Guid> tasks) =>
        new(Bytes, Type.GrowthOf(Bytes), Data is TaskEvent { TaskId: var task } && tasks.Add(task) ? 1 : 0);

    /// <summary>The erasure for which the event is masked; null when it is not.</summary>
    public Guid? Erasure { get; init; }

    /// <summary>The event without personal data.</summary>
    public IncomingEvent Masked(Guid erasure, Masking masking) =>
        this with { Source = Masking.Source, TraceParent = null, Data = Type.Masked(Data, masking), Erasure = erasure, _bytes = 0 };
}
