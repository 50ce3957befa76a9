namespace ResultsEs.Http;

/// <summary>
/// The text of a cursor: bytes in base64url, of which the first says their form, and the next eight what the cursor is valid for. That
/// finds mistakes, and keeps nobody from making one: a cursor grants nothing.
/// </summary>
internal static class CursorText
{
    /// <summary>The bytes before a cursor's own.</summary>
    public const int HeadBytes = 1 + SignBytes;

    private const int SignBytes = 8;

    /// <summary>Writes the head of a cursor, and all of it as text.</summary>
    /// <param name="form">The form of the bytes.</param>
    /// <param name="validFor">What the cursor is valid for.</param>
    /// <param name="bytes">Room for the head, and the cursor's own bytes.</param>
    public static string Write(byte form, string validFor, Span<byte> bytes)
    {
        bytes[0] = form;
        Sign(validFor, bytes[1..HeadBytes]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads what <see cref="Write"/> wrote for the same, into <paramref name="bytes"/>, where there is room for it.</summary>
    public static bool TryRead(string text, string validFor, Span<byte> bytes, out int length)
    {
        Span<byte> sign = stackalloc byte[SignBytes];
        Sign(validFor, sign);
        // The decoder skips white space, which no cursor has.
        return Base64Url.IsValid(text, out length) && length >= HeadBytes && length <= bytes.Length
            && text.Length == Base64Url.GetEncodedLength(length)
            && Base64Url.TryDecodeFromChars(text, bytes, out _)
            && bytes[1..HeadBytes].SequenceEqual(sign);
    }

    private static void Sign(string validFor, Span<byte> sign)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(validFor), hash);
        hash[..sign.Length].CopyTo(sign);
    }
}
