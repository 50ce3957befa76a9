using CsCheck;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Ingestion.RabbitMq;

/// <summary>Settings of the broker: what is wrong is named before anything listens.</summary>
public sealed class RabbitMqSettingsTests
{
    private const string Account = "11111111-0000-4000-8000-000000000001";

    private static readonly Dictionary<string, string?> Right = new(StringComparer.Ordinal)
    {
        ["ConnectionStrings:rabbitmq"] = "amqp://user:hush@localhost/%2F",
        ["RabbitMq:Accounts:0:Account"] = Account,
        ["RabbitMq:Accounts:0:Workspaces:0"] = Account,
    };

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void Without_a_connection_string_there_is_no_broker(string? text) =>
        Assert.Null(Read(With(("ConnectionStrings:rabbitmq", text), ("RabbitMq:Prefetch", "0"))).Broker);

    [Theory]
    [InlineData("amqp://h", "/")]
    [InlineData("amqp://h/", "/")]
    [InlineData("amqp://h/%2F", "/")]
    [InlineData("amqps://h/account%20one", "account one")]
    public void The_virtual_host_is_the_connection_strings_unless_the_entry_names_one(string uri, string host)
    {
        var options = Read(With(("ConnectionStrings:rabbitmq", uri)));
        Assert.Equal(host, options.Accounts[0].HostOr(options.Broker!));
        options = Read(With(("ConnectionStrings:rabbitmq", uri), ("RabbitMq:Accounts:0:VirtualHost", "other")));
        Assert.Equal("other", options.Accounts[0].HostOr(options.Broker!));
    }

    [Theory]
    [InlineData("ConnectionStrings:rabbitmq", "hush", "ConnectionStrings:rabbitmq must be an AMQP URI")]
    [InlineData("ConnectionStrings:rabbitmq", "http://user:hush@host", "ConnectionStrings:rabbitmq must be an AMQP URI")]
    [InlineData("RabbitMq:Prefetch", "0", "RabbitMq:Prefetch must be from 1 to 1000.")]
    [InlineData("RabbitMq:Prefetch", "1001", "RabbitMq:Prefetch must be from 1 to 1000.")]
    [InlineData("RabbitMq:Accounts:0:Account", "00000000-0000-0000-0000-000000000000", "RabbitMq:Accounts:0:Account is missing.")]
    [InlineData("RabbitMq:Accounts:0:Workspaces:0", "00000000-0000-0000-0000-000000000000", "RabbitMq:Accounts:0:Workspaces must hold at least one UUID, and no empty one.")]
    [InlineData("RabbitMq:Accounts:1:VirtualHost", "/", "RabbitMq:Accounts:1: another entry has the same VirtualHost")]
    public void What_is_wrong_is_named_and_no_password_is(string key, string value, string problem)
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Read(With((key, value))));
        Assert.Contains(failure.Failures, text => text.StartsWith(problem, StringComparison.Ordinal));
        Assert.DoesNotContain("hush", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broker_without_a_bound_account_is_refused() =>
        Assert.Contains("RabbitMq:Accounts is empty", Assert.Throws<OptionsValidationException>(() => Read(
            new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:rabbitmq", "amqp://h")]).Build())).Message, StringComparison.Ordinal);

    [Fact]
    public void No_two_virtual_hosts_share_a_name_and_each_is_a_scheme() =>
        Gen.Select(Gen.String, Gen.String).Sample((one, two) =>
        {
            var (nameOfOne, nameOfTwo) = (RabbitMqOptions.AddressOf(one).Scheme, RabbitMqOptions.AddressOf(two).Scheme);
            Assert.True(Uri.CheckSchemeName(nameOfOne), nameOfOne);
            // What is no text has no bytes of its own in UTF-8.
            if (!one.Any(char.IsSurrogate) && !two.Any(char.IsSurrogate))
                Assert.Equal(string.Equals(one, two, StringComparison.Ordinal), string.Equals(nameOfOne, nameOfTwo, StringComparison.OrdinalIgnoreCase));
        });

    private static RabbitMqOptions Read(IConfiguration configuration)
    {
        var services = new ServiceCollection();
        RabbitMqOptions.Add(services, configuration);
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<RabbitMqOptions>>().Value;
    }

    private static IConfiguration With(params IEnumerable<(string Key, string? Value)> changes) =>
        new ConfigurationBuilder().AddInMemoryCollection(Right)
            .AddInMemoryCollection(changes.Select(change => KeyValuePair.Create(change.Key, change.Value))).Build();
}
