using System.Buffers.Binary;
using ResultsEs.Http;

namespace ResultsEs.Changes;

/// <summary>
/// A place in the feed of an account's changes. It does not expire, and grants nothing: queries are limited to their caller.
/// </summary>
/// <param name="Position">The position after which the reader goes on; 0 at the begin.</param>
/// <param name="Begun">
/// The end of the feed when the reader began with nothing; 0 when it is not known. Removals up to there concern nothing that it has.
/// </param>
internal readonly record struct ChangeCursor(long Position, long Begun = 0)
{
    // The first byte is the version of the form.
    private const byte Form = 1;
    private const int Length = CursorText.HeadBytes + 8 + 8;

    /// <summary>The place of a reader who has nothing.</summary>
    public static ChangeCursor Begin => default;

    /// <summary>The place of a reader who wants only what comes from now on. The feed puts its end in the place of it.</summary>
    public static ChangeCursor Now => new(long.MaxValue);

    public bool IsBegin => Position == ChangePosition.Begin;

    public bool IsNow => Position == long.MaxValue;

    /// <summary>True when a reader misses no removal who goes on here, where those up to a floor are forgotten.</summary>
    public bool IsComplete(long floor) => IsBegin || Math.Max(Position, Begun) >= floor;

    /// <summary>Writes it as text for readers of an account.</summary>
    public string Write(string account)
    {
        Span<byte> bytes = stackalloc byte[Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes.Slice(9, 8), Position);
        BinaryPrimitives.WriteInt64BigEndian(bytes.Slice(17, 8), Begun);
        return CursorText.Write(Form, ValidFor(account), bytes);
    }

    /// <summary>Reads what <see cref="Write"/> wrote for the same account.</summary>
    public static bool TryRead(string text, string account, out ChangeCursor cursor)
    {
        cursor = default;
        Span<byte> bytes = stackalloc byte[Length];
        if (!CursorText.TryRead(text, ValidFor(account), bytes, out var length)
            || length != Length
            || bytes[0] != Form
            || BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(9, 8)) is not (>= 0 and var position)
            || BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(17, 8)) is not (>= 0 and var begun))
            return false;

        cursor = new ChangeCursor(position, begun);
        return true;
    }

    private static string ValidFor(string account) => $"changes {account}";
}
