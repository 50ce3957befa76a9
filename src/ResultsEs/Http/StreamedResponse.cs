namespace ResultsEs.Http;

/// <summary>A response that is written as it is made, for as long as that takes.</summary>
internal static class StreamedResponse
{
    /// <summary>
    /// Writes a response that has started. A client that takes nothing for a while is cut off, and any failure aborts the response: a
    /// regular end would say that it is complete.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <param name="idle">For how long its client may take nothing.</param>
    /// <param name="write">Writes it.</param>
    /// <param name="broke">Is told why it broke off; null: its client took nothing. Of a client that went it is not told.</param>
    public static async Task WriteAsync(HttpContext http, TimeSpan idle, Func<Patience, Task> write, Action<Exception?> broke)
    {
        // Kestrel's MinResponseDataRate would not do: what was read quickly gives credit for later, hours of it after some MiB.
        using var patience = new Patience(idle, http.RequestAborted);
        try
        {
            await write(patience);
        }
        catch (Exception e)
        {
            if (patience.IsOver)
                broke(null);
            else if (!http.RequestAborted.IsCancellationRequested)
                broke(e);
            http.Abort();
        }
    }
}
