namespace ResultsEs.Webhooks;

/// <summary>Which addresses webhooks may reach: public ones, and those of networks that an operator allows.</summary>
internal sealed class AddressRules(IReadOnlyList<IPNetwork> allowed)
{
    // https://www.iana.org/assignments/iana-ipv4-special-registry, and one address outside of it by which a cloud serves its machines.
    private static readonly IPNetwork[] NotPublic4 = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32");

    // https://www.iana.org/assignments/iana-ipv6-special-registry: what lies in the one range of public addresses and is none.
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] NotPublic6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20");

    // A gateway that translates to IPv4; the address is in the last 32 bits.
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    public static AddressRules Of(WebhookOptions options) => new([.. options.AllowedNetworks.Select(network => IPNetwork.Parse(network))]);

    /// <summary>True when a webhook may reach the address.</summary>
    public bool Allows(IPAddress address)
    {
        var meant = Meant(address);
        return allowed.Any(network => Contains(network, meant)) || IsPublic(meant);
    }

    /// <summary>The IPv4 address that an IPv6 address stands for, where it does.</summary>
    private static IPAddress Meant(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();

        var bytes = address.GetAddressBytes();
        // Without its zone, which would make it another address.
        return Nat64.Contains(new IPAddress(bytes)) ? new IPAddress(bytes.AsSpan(12)) : new IPAddress(bytes);
    }

    private static bool IsPublic(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? !NotPublic4.Any(network => network.Contains(address))
        : Global6.Contains(address) && !NotPublic6.Any(network => network.Contains(address));

    private static bool Contains(IPNetwork network, IPAddress address) =>
        network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address);

    private static IPNetwork[] Networks(params string[] texts) => [.. texts.Select(text => IPNetwork.Parse(text))];
}
