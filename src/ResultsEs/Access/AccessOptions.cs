using System.Buffers.Text;
using Microsoft.Extensions.Options;
using ResultsEs.TestResults;

namespace ResultsEs.Access;

/// <summary>Everything this folder reads from configuration; bound to its root.</summary>
internal sealed class AccessOptions
{
    public TokenOptions Access { get; init; } = new();

    /// <summary>The clients that may ask for tokens.</summary>
    public List<ClientOptions> Clients { get; init; } = [];

    public RateLimitingOptions RateLimiting { get; init; } = new();
}

internal sealed class TokenOptions
{
    /// <summary>The public address of this service, as it stands in <c>iss</c>. Default: the first address it listens on.</summary>
    public Uri? Issuer { get; init; }

    /// <summary>PEM file of the RSA key, made when missing. Default: <c>keys/signing.pem</c> in the data folder. Nodes of one service share it.</summary>
    public string? SigningKeyPath { get; init; }
}

internal sealed class ClientOptions
{
    public string Id { get; init; } = "";

    /// <summary>As printed by <c>hash-secret</c>.</summary>
    public string SecretHash { get; init; } = "";

    public Guid Account { get; init; }

    /// <summary>At least one.</summary>
    public List<Guid> Workspaces { get; init; } = [];

    /// <summary>At least one of <see cref="Scopes.All"/>.</summary>
    public List<string> Scopes { get; init; } = [];

    /// <summary>Overrides <see cref="RateLimitingOptions.ReadsPerMinute"/>.</summary>
    public int? ReadsPerMinute { get; init; }

    /// <summary>Overrides <see cref="RateLimitingOptions.WritesPerMinute"/>.</summary>
    public int? WritesPerMinute { get; init; }
}

/// <summary>Requests a minute, each 1 to <see cref="Highest"/>.</summary>
internal sealed class RateLimitingOptions
{
    public const int Highest = 10_000_000;

    /// <summary>Reads of one client; 10 reproduces the reference service.</summary>
    public int ReadsPerMinute { get; init; } = 600;

    /// <summary>Batches of one client.</summary>
    public int WritesPerMinute { get; init; } = 6000;

    /// <summary>Requests from one address without a valid token, the token endpoint included.</summary>
    public int AnonymousPerMinute { get; init; } = 600;
}

/// <summary>Says at start which entry is wrong and why, without repeating a secret.</summary>
internal sealed class AccessOptionsValidator(IHostEnvironment environment) : IValidateOptions<AccessOptions>
{
    /// <summary>The client whose secret everybody knows.</summary>
    public const string DemoClient = "demo";

    public ValidateOptionsResult Validate(string? name, AccessOptions options)
    {
        List<string> failures = [];
        Limit("RateLimiting:ReadsPerMinute", options.RateLimiting.ReadsPerMinute);
        Limit("RateLimiting:WritesPerMinute", options.RateLimiting.WritesPerMinute);
        Limit("RateLimiting:AnonymousPerMinute", options.RateLimiting.AnonymousPerMinute);

        if (options.Access.Issuer is { } issuer &&
            (!issuer.IsAbsoluteUri || issuer.Scheme is not ("http" or "https") || issuer.Query.Length + issuer.Fragment.Length > 0))
            failures.Add("Access:Issuer must be an absolute http or https URL without query or fragment.");

        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < options.Clients.Count; i++)
            Client($"Clients:{i}", options.Clients[i]);

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Client(string key, ClientOptions client)
        {
            if (string.IsNullOrWhiteSpace(client.Id))
                failures.Add($"{key}:Id is missing.");
            else
                key = $"{key} ('{client.Id}')";

            if (client.Id.Length > 0 && !ids.Add(client.Id))
                failures.Add($"{key}: another entry has the same Id.");
            if (client.Id == DemoClient && !environment.IsDevelopment())
                failures.Add($"{key}: the demo client exists in the Development environment only.");
            if (!IsHash(client.SecretHash))
                failures.Add($"{key}: SecretHash is not a hash; make one with the hash-secret command.");
            if (client.Account == Guid.Empty)
                failures.Add($"{key}: Account is missing.");
            if (client.Workspaces.Count == 0 || client.Workspaces.Contains(Guid.Empty))
                failures.Add($"{key}: Workspaces must hold at least one UUID, and no empty one.");
            if (client.Scopes.Count == 0)
                failures.Add($"{key}: Scopes is empty.");
            foreach (var scope in client.Scopes.Where(s => !Access.Scopes.All.Contains(s, StringComparer.Ordinal)))
                failures.Add($"{key}: the scope '{scope}' is not one of {string.Join(", ", Access.Scopes.All)}.");
            Limit($"{key}: ReadsPerMinute", client.ReadsPerMinute ?? 1);
            Limit($"{key}: WritesPerMinute", client.WritesPerMinute ?? 1);
        }

        void Limit(string key, int value)
        {
            if (value is < 1 or > RateLimitingOptions.Highest)
                failures.Add($"{key} must be from 1 to {RateLimitingOptions.Highest}.");
        }
    }

    /// <summary>Whether the text has the shape of ASP.NET Core Identity's third hash format: Base64, marker 1, header, salt and key.</summary>
    private static bool IsHash(string text)
    {
        Span<byte> bytes = stackalloc byte[Base64.GetMaxDecodedFromUtf8Length(256)];
        return text.Length <= 256 && Convert.TryFromBase64String(text, bytes, out var length) && length >= 13 + 16 + 16 && bytes[0] == 1;
    }
}
