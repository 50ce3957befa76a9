namespace ResultsEs.Webhooks;

/// <summary>The check of a webhook's URL when it is given. Names are resolved when it is used: see <see cref="WebhookClient"/>.</summary>
internal sealed class WebhookUrl(AddressRules addresses, bool takesHttp)
{
    /// <summary>The most characters of a URL.</summary>
    public const int MaxLength = 2_048;

    /// <summary>What is wrong with a URL; null when it is taken, as <paramref name="url"/>.</summary>
    public string? ProblemOf(string text, out string url)
    {
        url = "";
        if (text.Length > MaxLength)
            return $"must have at most {MaxLength} characters";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || !IsScheme(uri.Scheme) || uri.Host.Length == 0)
            return takesHttp ? "must be an absolute http or https URL" : "must be an absolute https URL";
        if (uri.UserInfo.Length > 0)
            return "must not hold a user or a password";
        if (uri.Fragment.Length > 0)
            return "must not have a fragment";
        // What the parser makes of 0x7f.1 and 2130706433 is an address, too.
        if (IPAddress.TryParse(uri.IdnHost, out var address) && !addresses.Allows(address))
            return "is an address that webhooks may not reach";
        url = uri.AbsoluteUri;
        return url.Length > MaxLength ? $"must have at most {MaxLength} characters" : null;
    }

    private bool IsScheme(string scheme) => scheme == Uri.UriSchemeHttps || (takesHttp && scheme == Uri.UriSchemeHttp);
}
