namespace ResultsEs.Http;

/// <summary>The body of a request that is read whole, into memory.</summary>
internal static class SmallBody
{
    /// <summary>Reads the body; null when it has more bytes than <paramref name="most"/>, of which no more are read.</summary>
    public static async Task<byte[]?> ReadAsync(HttpRequest request, int most, CancellationToken cancellation)
    {
        var read = await request.BodyReader.ReadAtLeastAsync(most + 1, cancellation);
        var body = read.Buffer.Length > most ? null : read.Buffer.ToArray();
        request.BodyReader.AdvanceTo(read.Buffer.End);
        return body;
    }
}
