namespace ResultsEs.Access;

/// <summary>
/// The check of a client's id and secret: the same for a token and for signing in to the explorer. A refusal takes as long whatever is
/// wrong, so that its time does not tell which ids exist.
/// </summary>
internal sealed class ClientCheck(Clients clients, SecretChecks secrets, RateLimits limits)
{
    // Longer than a slow hash takes.
    private static readonly TimeSpan LeastOfRefusal = TimeSpan.FromMilliseconds(100);

    /// <summary>Checks them, and tells the audit who asks. Gives the client of that id, right or wrong; null when there is none.</summary>
    public async ValueTask<(SecretVerdict Verdict, Client? Client)> CheckAsync(HttpContext http, string? id, string secret)
    {
        var began = Stopwatch.GetTimestamp();
        var client = clients.Current.Find(id);
        AuditTrail.Asks(http, id, client?.Account);
        var verdict = client is null
            ? SecretVerdict.Wrong
            : await secrets.CheckAsync(client, secret, limits.IsSuspect(http), http.RequestAborted);
        // No processor and no thread waits.
        if (verdict is SecretVerdict.Wrong && Stopwatch.GetElapsedTime(began) is var took && took < LeastOfRefusal)
            await Task.Delay(LeastOfRefusal - took, http.RequestAborted);
        return (verdict, client);
    }
}
