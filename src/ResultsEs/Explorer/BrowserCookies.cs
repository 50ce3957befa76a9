using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>
/// The explorer's cookies. No script reads them, and over anything but <c>http</c> of this machine they are <c>Secure</c> with the prefix
/// <c>__Host-</c>, so that no other host can set them. A session's holds 32 random bytes and a mark of this service, by which a made-up
/// one is told without asking the database.
/// </summary>
internal sealed class BrowserCookies
{
    private const string Session = "results";
    private const string SignIn = "results-sign-in";
    private const string SignedOut = "results-signed-out";
    private const string Leaving = "results-sign-out";
    private const int IdBytes = 32;
    private const int MarkBytes = 16;

    // Browsers keep no longer ones.
    private const int MaxKept = 4_000;

    private readonly byte[] _markKey;
    private readonly SecretSeal _signIns;
    private readonly SecretSeal _signOuts;
    private readonly Uri? _public;

    public BrowserCookies(SigningKey key, IOptions<AccessOptions> options)
    {
        _markKey = key.Derive("results.explorer.cookie");
        _signIns = new SecretSeal("results.explorer.sign-in", key);
        _signOuts = new SecretSeal("results.explorer.sign-out", key);
        _public = options.Value.Access.Issuer;
    }

    /// <summary>A new cookie of a session, with the hash of its id.</summary>
    public (string Cookie, byte[] IdHash) Make()
    {
        Span<byte> made = stackalloc byte[IdBytes + MarkBytes];
        RandomNumberGenerator.Fill(made[..IdBytes]);
        MarkOf(made[..IdBytes]).CopyTo(made[IdBytes..]);
        return (Base64Url.EncodeToString(made), SHA256.HashData(made[..IdBytes]));
    }

    /// <summary>The hash of the id in the request's cookie; null when it has none of this service.</summary>
    public byte[]? Read(HttpContext context)
    {
        if (context.Request.Cookies[NameOf(context, Session)] is not { Length: > 0 and < 100 } text || !Base64Url.IsValid(text))
            return null;

        var made = Base64Url.DecodeFromChars(text);
        return made.Length == IdBytes + MarkBytes
            && CryptographicOperations.FixedTimeEquals(MarkOf(made.AsSpan(0, IdBytes)), made.AsSpan(IdBytes))
            ? SHA256.HashData(made.AsSpan(0, IdBytes))
            : null;
    }

    /// <summary>Gives the browser a session. It ends with the browser, if not before.</summary>
    public void Give(HttpContext context, string cookie)
    {
        Set(context, Session, cookie, age: null);
        if (context.Request.Cookies.ContainsKey(NameOf(context, SignedOut)))
            Remove(context, SignedOut);
    }

    /// <summary>Takes the session's cookie away. <paramref name="isAsked"/>: the user has signed out, and wants to stay so.</summary>
    public void Take(HttpContext context, bool isAsked)
    {
        Remove(context, Session);
        if (isAsked)
            Set(context, SignedOut, "1", age: null);
    }

    /// <summary>True when the user of this browser has signed out since signing in last.</summary>
    public bool HasSignedOut(HttpContext context) => context.Request.Cookies.ContainsKey(NameOf(context, SignedOut));

    /// <summary>Keeps what is needed when the browser comes back from an issuer.</summary>
    public void Keep(HttpContext context, SignInState state) =>
        Set(context, SignIn, Sealed(_signIns, state), SignInState.Longest);

    /// <summary>Takes what was kept; null when there is nothing, or it is too old.</summary>
    public SignInState? TakeKept(HttpContext context, DateTimeOffset now) =>
        Taken<SignInState>(context, SignIn, _signIns) is { } state && state.Until > now ? state : null;

    /// <summary>Keeps what is needed to sign out at an issuer, too.</summary>
    public void Keep(HttpContext context, SignOutState state)
    {
        var made = Sealed(_signOuts, state);
        Set(context, Leaving, made.Length <= MaxKept ? made : Sealed(_signOuts, state with { IdToken = null }), SignOutState.Longest);
    }

    /// <summary>Takes what was kept for signing out; null when there is nothing, or it is too old.</summary>
    public SignOutState? TakeSignOut(HttpContext context, DateTimeOffset now) =>
        Taken<SignOutState>(context, Leaving, _signOuts) is { } state && state.Until > now ? state : null;

    /// <summary>The address of the service as browsers know it, ending with a slash; null when the request names none.</summary>
    public Uri? PublicAddress(HttpRequest request)
    {
        var text = _public?.AbsoluteUri ?? $"{request.Scheme}://{request.Headers.Host}/";
        return Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var address) ? address : null;
    }

    private static string Sealed<T>(SecretSeal seal, T state) =>
        Base64Url.EncodeToString(seal.Seal([], JsonSerializer.SerializeToUtf8Bytes(state, Json.Of<T>())));

    private T? Taken<T>(HttpContext context, string name, SecretSeal seal)
        where T : class
    {
        if (context.Request.Cookies[NameOf(context, name)] is not { Length: > 0 and <= MaxKept } text)
            return null;

        Remove(context, name);
        return Base64Url.IsValid(text) && seal.Open([], Base64Url.DecodeFromChars(text)) is { } json
            ? JsonSerializer.Deserialize(json, Json.Of<T>())
            : null;
    }

    private byte[] MarkOf(ReadOnlySpan<byte> id) => HMACSHA256.HashData(_markKey, id)[..MarkBytes];

    // Where TLS ends at a proxy the request does not tell. A browser drops a cookie that is Secure where there is no TLS, so who serves
    // the explorer to others without it has nobody signed in.
    private bool IsSecure(HttpContext context) =>
        context.Request.IsHttps || _public?.Scheme == Uri.UriSchemeHttps
        || !IsThisMachine(new HostString(context.Request.Headers.Host.ToString()).Host);

    private static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private string NameOf(HttpContext context, string name) => IsSecure(context) ? "__Host-" + name : name;

    private void Set(HttpContext context, string name, string value, TimeSpan? age) =>
        context.Response.Cookies.Append(NameOf(context, name), value, OptionsOf(context, age));

    private void Remove(HttpContext context, string name) =>
        context.Response.Cookies.Delete(NameOf(context, name), OptionsOf(context, age: null));

    // Lax, because a browser that comes back from an issuer comes from another site, and has to bring its cookie.
    private CookieOptions OptionsOf(HttpContext context, TimeSpan? age) =>
        new() { HttpOnly = true, IsEssential = true, MaxAge = age, Path = "/", SameSite = SameSiteMode.Lax, Secure = IsSecure(context) };
}

/// <summary>What a browser brings back from an issuer, sealed: no other browser can end what this one began.</summary>
/// <param name="Issuer">The name of the issuer.</param>
/// <param name="State">The <c>state</c> that was sent.</param>
/// <param name="Nonce">The <c>nonce</c> that the id token has to name.</param>
/// <param name="Verifier">The code verifier of PKCE (RFC 7636).</param>
/// <param name="ReturnTo">The page to show afterwards.</param>
/// <param name="Until">When it counts no longer.</param>
internal sealed record SignInState(string Issuer, string State, string Nonce, string Verifier, string ReturnTo, DateTimeOffset Until)
{
    /// <summary>How long a person may take at the issuer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
}

/// <summary>What a browser that has signed out here takes along to its issuer, sealed.</summary>
/// <param name="Issuer">The name of the issuer.</param>
/// <param name="IdToken">The id token of signing in; null when there is none, or it is too long for a cookie.</param>
/// <param name="Until">When it counts no longer.</param>
internal sealed record SignOutState(string Issuer, string? IdToken, DateTimeOffset Until)
{
    /// <summary>How long the browser may take to ask.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
}
