namespace ResultsEs.Webhooks;

/// <summary>Settings of webhooks; section <c>Webhooks</c>.</summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    private const int HighestTimeoutSeconds = 60;
    private const int MostDays = 400;
    private const int MostPerClient = 1_000;

    /// <summary>Private networks that webhooks may reach, such as <c>10.1.0.0/16</c>. Default: none.</summary>
    public List<string> AllowedNetworks { get; init; } = [];

    /// <summary>Seconds, 1–60, that an endpoint has for its answer. Default 15.</summary>
    public int TimeoutSeconds { get; init; } = 15;

    /// <summary>Days, 1–400, that the log of deliveries is kept. Default 30.</summary>
    public int KeepDays { get; init; } = 30;

    /// <summary>The most webhooks of one client, 1–1,000. Default 20.</summary>
    public int PerClient { get; init; } = 20;

    /// <summary>The key file of before, while secrets are sealed by it: see <see cref="Access.SecretSeal"/>. Default: none.</summary>
    public string? FormerSigningKeyPath { get; init; }

    public static IEnumerable<string> Problems(WebhookOptions options)
    {
        for (var i = 0; i < options.AllowedNetworks.Count; i++)
        {
            if (!IPNetwork.TryParse(options.AllowedNetworks[i], out _))
                yield return $"{Section}:AllowedNetworks:{i} must be a network, such as 10.1.0.0/16.";
        }

        if (options.TimeoutSeconds is < 1 or > HighestTimeoutSeconds)
            yield return $"{Section}:TimeoutSeconds must be from 1 to {HighestTimeoutSeconds}.";
        if (options.KeepDays is < 1 or > MostDays)
            yield return $"{Section}:KeepDays must be from 1 to {MostDays}.";
        if (options.PerClient is < 1 or > MostPerClient)
            yield return $"{Section}:PerClient must be from 1 to {MostPerClient}.";
        if (options.FormerSigningKeyPath is { } path && !File.Exists(path))
            yield return $"{Section}:FormerSigningKeyPath is no file that can be read.";
    }
}
