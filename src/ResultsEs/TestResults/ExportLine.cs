using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>A line of an export: the v3 body of a session, with the time of its last change as the first member.</summary>
internal static class ExportLine
{
    public const byte End = (byte)'\n';

    /// <summary>The length of the begin of a line, which the body follows but for its first brace.</summary>
    public static readonly int BeginBytes = Head.Length + MillisecondsUtcConverter.Length + Tail.Length;

    private static ReadOnlySpan<byte> Head => "{\"updatedTime\": \""u8;

    private static ReadOnlySpan<byte> Tail => "\", "u8;

    /// <summary>Returns the length of the line of a body: the end of the line makes up for the brace.</summary>
    public static int Length(int body) => body + BeginBytes;

    public static void WriteBegin(DateTimeOffset updated, Span<byte> line)
    {
        Head.CopyTo(line);
        updated.UtcDateTime.TryFormat(line[Head.Length..], out var written, MillisecondsUtcConverter.Format, CultureInfo.InvariantCulture);
        Tail.CopyTo(line[(Head.Length + written)..]);
    }

    /// <summary>Makes the line of a session whose result cannot be given: a problem stands in its place.</summary>
    public static byte[] OfProblem(Guid session, string reason) =>
    [
        .. Encoding.UTF8.GetBytes(new JsonObject
        {
            ["sessionId"] = session,
            ["problem"] = new JsonObject
            {
                ["title"] = "The session's result cannot be given",
                ["status"] = StatusCodes.Status500InternalServerError,
                ["detail"] = $"What was recorded of the session is stored, but its result cannot be made: {reason}",
            },
        }.ToJsonString(Json.Options)),
        End,
    ];

    /// <summary>Tells why a session's result cannot be made.</summary>
    public static string ReasonOf(Exception failure) => failure switch
    {
        UnfoldableStreamException unfoldable => unfoldable.Problem,
        PostgresException postgres => $"the database answers {postgres.SqlState}",
        _ => failure.GetType().Name,
    };

    public static byte[] Of(DateTimeOffset updated, ReadOnlySpan<byte> body)
    {
        var line = new byte[Length(body.Length)];
        WriteBegin(updated, line);
        body[1..].CopyTo(line.AsSpan(BeginBytes));
        line[^1] = End;
        return line;
    }
}
