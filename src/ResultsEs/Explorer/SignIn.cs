using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Explorer;

/// <summary>
/// <c>POST /explorer/sign-in</c>: a browser session for a client's id and secret. Checked, counted and noted as a request for a token.
/// </summary>
internal sealed class SignIn(
    BrowserCookies cookies, BrowserSessions sessions, ClientCheck check, SecretChecks secrets, RateLimits limits,
    IOptions<AccessOptions> options, ClientUses? uses = null)
{
    public const string Path = "/explorer/sign-in";

    /// <summary>The bytes of a form: an id and a secret.</summary>
    public const int MaxBytes = 4 * 1024;

    public async Task ServeAsync(HttpContext context)
    {
        try
        {
            await ServeOnceAsync(context);
        }
        catch (Exception e) when (e is BadHttpRequestException or OperationCanceledException)
        {
            // Whoever breaks off has had its work done, too.
            await limits.TakeFailureAsync(context, client: null);
            throw;
        }
    }

    private async Task ServeOnceAsync(HttpContext context)
    {
        // Else another site could sign a browser in as somebody whom its user is not.
        if (SameOrigin.IsForeign(context.Request, cookies.PublicAddress(context.Request)))
            await SameOrigin.RefuseAsync(context);
        else if (!options.Value.Access.BuiltInTokens)
            await Problems.NotFound().ExecuteAsync(context);
        else if (await ReadAsync(context) is not { ClientId: { } id, ClientSecret: { } secret })
            await RefuseAsync(context, client: null, Problems.BadRequest("Send clientId and clientSecret as JSON.").ExecuteAsync);
        else
            await CheckAsync(context, id, secret);
    }

    private async Task CheckAsync(HttpContext context, string id, string secret)
    {
        var (verdict, client) = await check.CheckAsync(context, id, secret);
        if (verdict is SecretVerdict.Busy)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.Of(StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
        }
        else if (verdict is SecretVerdict.Wrong)
            await RefuseAsync(context, client, Problems.Of(
                StatusCodes.Status401Unauthorized, "The client is unknown or its secret is wrong.").ExecuteAsync);
        else if (!(await limits.TakeTokenAsync(context, client!)).Allowed)
            await limits.RefuseAsync(context);
        else
        {
            await AddAsync(context, client!, secret);
            uses?.Note(client!);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    private async Task AddAsync(HttpContext context, Client client, string secret)
    {
        // A session ends with the secret that was given. The check has just been made, and is remembered.
        byte[]? print = null;
        foreach (var one in client.Secrets)
        {
            if (await secrets.CheckAsync(client with { Secrets = [one] }, secret, isSuspect: false, context.RequestAborted)
                is SecretVerdict.Right)
                print = BrowserSession.PrintOf(one.Hash);
        }

        // Always another id: what somebody put into the browser before is worth nothing afterwards.
        var (cookie, idHash) = cookies.Make();
        await sessions.AddAsync(
            new BrowserSession(idHash, client.Id) { SecretPrint = print }, cookies.Read(context), context.RequestAborted);
        cookies.Give(context, cookie);
    }

    private async Task RefuseAsync(HttpContext context, Client? client, RequestDelegate refuse) =>
        await (await limits.TakeFailureAsync(context, client) is { Allowed: true } ? refuse(context) : limits.RefuseAsync(context));

    private static async Task<SignInForm?> ReadAsync(HttpContext context)
    {
        var body = await SmallBody.ReadAsync(context.Request, MaxBytes, context.RequestAborted)
            ?? throw new BadHttpRequestException("The form is too large.", StatusCodes.Status413PayloadTooLarge);
        try
        {
            return JsonSerializer.Deserialize(body, Json.Of<SignInForm>());
        }
        catch (JsonException)
        {
            // The caller says what to send.
            return null;
        }
    }
}

/// <summary>A client's id and secret.</summary>
internal sealed record SignInForm(string? ClientId, string? ClientSecret);
