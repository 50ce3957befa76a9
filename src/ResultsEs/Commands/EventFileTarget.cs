namespace ResultsEs.Commands;

/// <summary>A file, an event a line; it has its name only when all are in it. Or the standard output.</summary>
internal sealed class EventFileTarget(Stream stream, string? part, string? file) : IEventTarget
{
    /// <summary>What stands for the standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>Opens the file that is to become <paramref name="file"/>, or for <c>-</c> the standard output.</summary>
    /// <exception cref="IOException">There is such a file, or none can be made there.</exception>
    public static EventFileTarget Open(string file)
    {
        if (file == StandardOutput)
            return new EventFileTarget(Console.OpenStandardOutput(), part: null, file: null);
        if (File.Exists(file))
            throw new IOException($"{file} is there already.");

        var part = file + ".part";
        return new EventFileTarget(new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16), part, file);
    }

    /// <inheritdoc/>
    public async Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation)
    {
        foreach (var e in events)
        {
            await stream.WriteAsync(e.Json, cancellation);
            await stream.WriteAsync("\n"u8.ToArray(), cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        await stream.FlushAsync(cancellation);
        if (part is null || file is null)
            return;

        ((FileStream)stream).Flush(flushToDisk: true);
        await stream.DisposeAsync();
        File.Move(part, file);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
