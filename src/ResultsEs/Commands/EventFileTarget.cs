namespace ResultsEs.Commands;

/// <summary>A target that writes one event a line to the standard output or a file. A file gets its name when it is complete.</summary>
internal sealed class EventFileTarget(Stream stream, string? file) : IEventTarget
{
    public const string StandardOutput = "-";

    private const string PartSuffix = ".part";

    /// <summary>Opens a new file, or the standard output for <c>-</c>.</summary>
    /// <exception cref="IOException">The file exists or cannot be created.</exception>
    public static EventFileTarget Open(string file)
    {
        if (file == StandardOutput)
            return new EventFileTarget(Console.OpenStandardOutput(), file: null);
        if (File.Exists(file))
            throw new IOException($"{file} is there already.");

        return new EventFileTarget(new FileStream(file + PartSuffix, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16), file);
    }

    public async Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation)
    {
        foreach (var e in events)
        {
            // The standard output may be a terminal. Escapes of JSON say the same.
            await stream.WriteAsync(file is null ? Printable.JsonLine(e.Json) : e.Json, cancellation);
            await stream.WriteAsync("\n"u8.ToArray(), cancellation);
        }
    }

    public async Task CompleteAsync(CancellationToken cancellation)
    {
        await stream.FlushAsync(cancellation);
        if (file is null)
            return;

        ((FileStream)stream).Flush(flushToDisk: true);
        await stream.DisposeAsync();
        File.Move(file + PartSuffix, file);
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
