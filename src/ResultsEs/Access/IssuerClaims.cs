namespace ResultsEs.Access;

/// <summary>Who a valid token of another issuer speaks for, by the issuer's settings. Pure.</summary>
internal static class IssuerClaims
{
    // OpenID Connect Core, 2: a subject has at most 255 characters.
    private const int MaxSubject = 255;

    /// <summary>Reads the caller; null when the token may do nothing here, with the reason.</summary>
    /// <param name="options">The issuer's settings.</param>
    /// <param name="name">The issuer, as callers of it are named.</param>
    /// <param name="claims">The token's payload.</param>
    /// <param name="problem">What is wrong, without a value of the token.</param>
    public static Caller? Read(IssuerOptions options, string name, JsonElement claims, out string? problem)
    {
        problem = null;
        if (SubjectOf(claims) is not { } subject)
            problem = "neither sub nor azp nor client_id is a text of 1 to 255 characters without control characters";
        else if (AccountOf(options, claims) is not { } account)
            problem = options.AccountClaim is { } claim
                ? $"the claim '{claim}' names no account that Accounts allows"
                : "Accounts does not name one account";
        else if (WorkspacesOf(options, claims) is not { Length: > 0 and <= ClientOptions.MaxWorkspaces } workspaces)
            problem = $"the claim '{options.WorkspacesClaim}' names no workspace that is allowed, or too many";
        else
            return new Caller(account, workspaces, $"{name} {subject}", ScopesOf(options, claims)) { Issuer = name };
        return null;
    }

    /// <summary>The subject; without one the client that the token was issued to.</summary>
    private static string? SubjectOf(JsonElement claims)
    {
        foreach (var claim in (ReadOnlySpan<string>)["sub", "azp", "client_id"])
        {
            if (claims.TryGetProperty(claim, out var value))
                return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxSubject } text
                    && Printable.IsLine(text) ? text : null;
        }

        return null;
    }

    private static Guid? AccountOf(IssuerOptions options, JsonElement claims)
    {
        if (options.AccountClaim is not { } claim)
            return options.Accounts is [var only] && Guid.TryParse(only, out var fixedOne) ? fixedOne : null;

        // A list of one is one; of several nobody could say which.
        if (Texts(claims, claim, areWords: false) is not [var text]
            || !Uuid.TryParse(Meaning(options.AccountValues, text), out var account))
            return null;
        return options.Accounts is [IssuerOptions.AllAccounts]
            || options.Accounts.Exists(allowed => Guid.TryParse(allowed, out var one) && one == account)
            ? account
            : null;
    }

    private static Guid[] WorkspacesOf(IssuerOptions options, JsonElement claims)
    {
        if (!claims.TryGetProperty(options.WorkspacesClaim, out _))
            return options.AllWorkspacesIfAbsent ? [.. options.Workspaces] : [];

        var named = new HashSet<Guid>();
        foreach (var text in Texts(claims, options.WorkspacesClaim, areWords: true))
        {
            if (Uuid.TryParse(Meaning(options.WorkspaceValues, text), out var workspace) && workspace != Guid.Empty
                && (options.Workspaces.Count == 0 || options.Workspaces.Contains(workspace)))
                named.Add(workspace);
        }

        return [.. named];
    }

    private static string[] ScopesOf(IssuerOptions options, JsonElement claims)
    {
        var allowed = options.AllowedScopes;
        return
        [
            .. Texts(claims, options.ScopeClaim, areWords: true)
                .Select(text => options.ScopeValues.Find(value => value.Value == text)?.Means
                    ?? (text.StartsWith(options.ScopePrefix, StringComparison.Ordinal) ? text[options.ScopePrefix.Length..] : ""))
                .Where(scope => allowed.Contains(scope, StringComparer.Ordinal))
                .Distinct(StringComparer.Ordinal),
        ];
    }

    private static string Meaning(List<ClaimValueOptions> values, string text) =>
        values.Find(value => value.Value == text)?.Means ?? text;

    /// <summary>The texts of a claim: a text, or its words, or a list of texts; none of anything else.</summary>
    private static List<string> Texts(JsonElement claims, string claim, bool areWords)
    {
        if (!claims.TryGetProperty(claim, out var value))
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return areWords ? [.. value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries)] : [value.GetString()!];
        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)]
            : [];
    }
}
