using System.Net;
using ResultsEs.Webhooks;

namespace ResultsEs.Tests.Webhooks;

/// <summary>Which addresses and URLs webhooks may reach.</summary>
public sealed class AddressRulesTests
{
    private static readonly AddressRules Nobodys = new([]);

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("8.8.8.8")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001:80b::200e")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    public void Public_addresses_are_reached(string address) => Assert.True(Nobodys.Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("10.255.255.255")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:0:127.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("64:ff9b:1::8.8.8.8")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2002:a00:1::")]
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void Other_addresses_are_not(string address) => Assert.False(Nobodys.Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.1.0.0/16", "10.1.2.3", true)]
    [InlineData("10.1.0.0/16", "::ffff:10.1.2.3", true)]
    [InlineData("10.1.0.0/16", "10.2.0.1", false)]
    [InlineData("10.1.0.0/16", "1.1.1.1", true)]
    [InlineData("fd00::/8", "fd00::7", true)]
    [InlineData("fd00::/8", "10.0.0.1", false)]
    [InlineData("::1/128", "::1", true)]
    [InlineData("::1/128", "127.0.0.1", false)]
    public void Networks_that_an_operator_allows_are_reached_too(string network, string address, bool isAllowed) =>
        Assert.Equal(isAllowed, new AddressRules([IPNetwork.Parse(network)]).Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https://hooks.example/a?b=c", "https://hooks.example/a?b=c")]
    [InlineData("https://hooks.example", "https://hooks.example/")]
    [InlineData("https://hooks.example:8443/ü", "https://hooks.example:8443/%C3%BC")]
    [InlineData("https://8.8.8.8/", "https://8.8.8.8/")]
    public void Good_URLs_are_taken(string given, string taken)
    {
        Assert.Null(new WebhookUrl(Nobodys, takesHttp: false).ProblemOf(given, out var url));
        Assert.Equal(taken, url);
    }

    [Theory]
    [InlineData("", "must be an absolute https URL")]
    [InlineData("hooks.example/a", "must be an absolute https URL")]
    [InlineData("/a", "must be an absolute https URL")]
    [InlineData("http://hooks.example/", "must be an absolute https URL")]
    [InlineData("ftp://hooks.example/", "must be an absolute https URL")]
    [InlineData("file:///etc/passwd", "must be an absolute https URL")]
    [InlineData("https://", "must be an absolute https URL")]
    [InlineData("https://user:secret@hooks.example/", "must not hold a user or a password")]
    [InlineData("https://user@hooks.example/", "must not hold a user or a password")]
    [InlineData("https://hooks.example/#a", "must not have a fragment")]
    [InlineData("https://127.0.0.1/", "is an address that webhooks may not reach")]
    [InlineData("https://127.1/", "is an address that webhooks may not reach")]
    [InlineData("https://2130706433/", "is an address that webhooks may not reach")]
    [InlineData("https://0x7f000001/", "is an address that webhooks may not reach")]
    [InlineData("https://0177.0.0.1/", "is an address that webhooks may not reach")]
    [InlineData("https://[::1]/", "is an address that webhooks may not reach")]
    [InlineData("https://[::ffff:10.0.0.1]/", "is an address that webhooks may not reach")]
    [InlineData("https://[fe80::1%25eth0]/", "is an address that webhooks may not reach")]
    [InlineData("https://169.254.169.254/latest/meta-data", "is an address that webhooks may not reach")]
    public void Others_are_refused_with_the_reason(string given, string problem) =>
        Assert.Equal(problem, new WebhookUrl(Nobodys, takesHttp: false).ProblemOf(given, out _));

    [Fact]
    public void A_long_URL_is_refused() => Assert.Equal(
        "must have at most 2048 characters", new WebhookUrl(Nobodys, takesHttp: false).ProblemOf("https://hooks.example/" + new string('a', 2_048), out _));
}
