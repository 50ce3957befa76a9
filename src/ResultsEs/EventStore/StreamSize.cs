namespace ResultsEs.EventStore;

/// <summary>The size of a stream and of its document. Until a document takes in what it lacks, its own part is an estimate.</summary>
/// <param name="Bytes">The bytes of the events' data, as <see cref="StoredSize"/> counts them.</param>
/// <param name="DocumentBytes">The bytes of the document's JSON.</param>
/// <param name="Tasks">The tasks of a session.</param>
internal readonly record struct StreamSize(long Bytes, long DocumentBytes, int Tasks)
{
    public static StreamSize operator +(StreamSize one, StreamSize other) =>
        new(one.Bytes + other.Bytes, one.DocumentBytes + other.DocumentBytes, one.Tasks + other.Tasks);
}

/// <summary>A document whose row says how large it and its stream are. Null: the row is older than these columns.</summary>
internal abstract record SizedDocument
{
    /// <summary>The column of <see cref="StreamBytes"/>.</summary>
    public const string StreamBytesColumn = "stream_bytes";

    /// <summary>The column of <see cref="DocumentBytes"/>.</summary>
    public const string DocumentBytesColumn = "document_bytes";

    /// <summary>The bytes of the stream's events. A column: deferred writes add to it.</summary>
    [JsonIgnore]
    public long? StreamBytes { get; set; }

    /// <summary>The bytes of the document's JSON. A column: deferred writes add to it what their events may add.</summary>
    [JsonIgnore]
    public long? DocumentBytes { get; set; }
}

/// <summary>
/// The greatest size of a stream; section <c>Streams</c>. Events beyond it are refused before they are acknowledged (docs/decisions/0026).
/// </summary>
internal sealed class StreamLimits
{
    public const string Section = "Streams";

    /// <summary>Events that tell of a session's begin and end may go beyond the bounds by so much.</summary>
    public const int ReservedEvents = 1_000;

    public const int ReservedBytes = 1024 * 1024;

    /// <summary>The most events of a session, a highlight reel or a test, 1–1,000,000.</summary>
    public int MaxEvents { get; init; } = 50_000;

    /// <summary>The most bytes of the events' data, 1 KiB–256 MiB.</summary>
    public long MaxBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>The most bytes of the document's JSON, 1 KiB–64 MiB. What an event to a full session costs grows with it.</summary>
    public long MaxDocumentBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>The most tasks of a session, 1–50,000.</summary>
    public int MaxTasks { get; init; } = 5_000;

    public static IEnumerable<string> Problems(StreamLimits limits)
    {
        if (limits.MaxEvents is < 1 or > 1_000_000)
            yield return $"{Section}:MaxEvents must be from 1 to 1000000.";
        if (limits.MaxBytes is < 1024 or > 256 * 1024 * 1024)
            yield return $"{Section}:MaxBytes must be from 1024 to {256 * 1024 * 1024}.";
        if (limits.MaxDocumentBytes is < 1024 or > 64 * 1024 * 1024)
            yield return $"{Section}:MaxDocumentBytes must be from 1024 to {64 * 1024 * 1024}.";
        if (limits.MaxTasks is < 1 or > 50_000)
            yield return $"{Section}:MaxTasks must be from 1 to 50000.";
    }

    private readonly Lazy<StreamLimits> _untilStarted;
    private readonly bool _isUntilStarted;

    public StreamLimits() => _untilStarted = new(() => new StreamLimits(this));

    private StreamLimits(StreamLimits whole)
        : this() =>
        (MaxEvents, MaxBytes, MaxDocumentBytes, MaxTasks, _isUntilStarted) =
            (Math.Max(1, whole.MaxEvents / 2), whole.MaxBytes / 2, whole.MaxDocumentBytes, whole.MaxTasks, true);

    private string State => _isUntilStarted ? "that has not started" : "that is full";

    private string Until => _isUntilStarted ? ", until its start is stored" : "";

    /// <summary>
    /// The limits of a stream until it is started: half of its events and bytes. Until then any writer of the account who knows its id may
    /// write into it, and nobody must be able to fill it.
    /// </summary>
    public StreamLimits UntilStarted() => _untilStarted.Value;

    /// <summary>Says why a stream may not become so large; null when it may.</summary>
    /// <param name="noun">What the stream is, such as <c>session</c>.</param>
    /// <param name="events">The events that it would have.</param>
    /// <param name="size">The size that it would have.</param>
    /// <param name="isReserved">Whether the event that is added may go into the reserve.</param>
    public string? ProblemOf(string noun, long events, StreamSize size, bool isReserved)
    {
        if (events > MaxEvents + (isReserved ? ReservedEvents : 0))
            return $"is a {noun} {State}: it may have at most {MaxEvents} events{Until}";
        if (size.Bytes > MaxBytes + (isReserved ? ReservedBytes : 0))
            return $"is a {noun} {State}: its events may have at most {MaxBytes} bytes as stored{Until}";
        if (isReserved || !IsFullDocument(size))
            return null;
        return size.Tasks > MaxTasks
            ? $"is a {noun} that is full: it may have at most {MaxTasks} tasks"
            : $"is a {noun} that is full: its result may have at most {MaxDocumentBytes} bytes";
    }

    /// <summary>True when a document may not become so large.</summary>
    public bool IsFullDocument(StreamSize size) => size.Tasks > MaxTasks || size.DocumentBytes > MaxDocumentBytes;
}

/// <summary>A trial of what a stream still takes: event by event, nothing of which is appended.</summary>
internal sealed class StreamRoom(StreamLimits limits, string noun, long events, StreamSize size, HashSet<Guid> tasks)
{
    private long _events = events;
    private StreamSize _size = size;

    /// <summary>Says why an event is too much; null when it fits, and takes its place.</summary>
    public string? ProblemOf(IncomingEvent incoming)
    {
        var with = _size + incoming.GrowthIn(tasks);
        if (limits.ProblemOf(noun, _events + 1, with, incoming.Type.IsReserved) is { } problem)
            return problem;

        (_events, _size) = (_events + 1, with);
        return null;
    }
}
