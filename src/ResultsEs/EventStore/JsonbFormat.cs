namespace ResultsEs.EventStore;

/// <summary>The binary format of a <c>jsonb</c> value: a byte with its version, then the text.</summary>
internal static class JsonbFormat
{
    /// <summary>The version that PostgreSQL sends, and how many bytes it takes.</summary>
    public const int Version = 1;

    /// <summary>Throws for a value of another version.</summary>
    public static void Verify(byte version)
    {
        if (version != Version)
            throw new NotSupportedException($"PostgreSQL sends jsonb in version {version} of its format.");
    }
}
