using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>The access token of a browser session: signed here for a client, the issuer's for a person, renewed before it ends.</summary>
internal sealed class SessionTokens(
    BrowserSessions sessions, Clients clients, ClientTokens made, Issuers issuers, ProviderClient provider,
    IOptions<AccessOptions> options, TimeProvider time)
{
    // Longer than a renewal takes.
    private static readonly TimeSpan RenewedBefore = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    /// <summary>The session's token. Null: it has none any more, and it has ended if that cannot change.</summary>
    public async Task<string?> OfAsync(BrowserSession session, CancellationToken cancellation)
    {
        if (session.Issuer is not { } name)
        {
            // Another node may know of a new client, or of a new secret, a moment earlier.
            if (ClientOf(session) is null)
                await clients.RefreshAsync(cancellation);
            if (ClientOf(session) is { } client)
                return made.Of(client);
        }
        else if (issuers.Find(name) is { Options.Explorer: not null } issuer)
            return await OfIssuerAsync(issuer, session, cancellation);

        await sessions.EndAsync(session.IdHash, cancellation);
        return null;
    }

    /// <summary>The client of a session while it has the secret that was given; null when it is revoked, or the secret is over.</summary>
    public Client? ClientOf(BrowserSession session) =>
        options.Value.Access.BuiltInTokens && clients.Current.Find(session.Caller) is { } client
        && client.Secrets.Any(secret => !(secret.Until <= time.GetUtcNow())
            && BrowserSession.PrintOf(secret.Hash).AsSpan().SequenceEqual(session.SecretPrint))
            ? client
            : null;

    private async Task<string?> OfIssuerAsync(Issuer issuer, BrowserSession session, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        for (var now = session; now is { Tokens: { } tokens, TokenEndsAt: { } end };)
        {
            var left = end - time.GetUtcNow().UtcDateTime;
            if (left > RenewedBefore || (tokens.Refresh is null && left > TimeSpan.Zero))
                return tokens.Access;
            if (tokens.Refresh is null)
                break;

            // One of all nodes and requests renews, because a refresh token may count once.
            if (await sessions.TryBeginRenewalAsync(now, cancellation))
                return await RenewAsync(issuer, now, left, cancellation);
            if (left > TimeSpan.Zero)
                return tokens.Access;
            if (time.GetElapsedTime(began) > LongestWait)
                return null;
            await Task.Delay(BetweenLooks, cancellation);
            now = await sessions.FindAsync(now.IdHash, cancellation);
        }

        await sessions.EndAsync(session.IdHash, cancellation);
        return null;
    }

    private async Task<string?> RenewAsync(Issuer issuer, BrowserSession session, TimeSpan left, CancellationToken cancellation)
    {
        // A browser that goes away does not lose what the issuer has given.
        var answer = await provider.RenewAsync(issuer, session.Tokens!, session.Caller, CancellationToken.None);
        if (answer.Verdict == ProviderVerdict.Given)
        {
            await sessions.RenewAsync(session with { Tokens = answer.Tokens, TokenEndsAt = answer.EndsAt }, CancellationToken.None);
            return answer.Tokens!.Access;
        }

        if (answer.Verdict == ProviderVerdict.Unreachable)
            return left > TimeSpan.Zero ? session.Tokens!.Access : null;
        await sessions.EndAsync(session.IdHash, cancellation);
        return null;
    }
}
