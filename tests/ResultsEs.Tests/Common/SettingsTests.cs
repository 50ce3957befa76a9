using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Common;

namespace ResultsEs.Tests.Common;

/// <summary>Settings that are wrong stop the start, with a line each.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Right_settings_are_no_news() => Validate(("One:Least", "1"), ("Two:Least", "2"));

    [Fact]
    public void All_that_is_wrong_is_told_a_line_each() => Assert.Equal(
        $"One:Least must be 1 or more.{Environment.NewLine}Two:Least must be 1 or more.",
        Assert.Throws<StartupException>(() => Validate(("One:Least", "0"), ("Two:Least", "-1"))).Message);

    [Fact]
    public void What_is_no_number_is_named() => Assert.Contains(
        "'One:Least'", Assert.Throws<StartupException>(() => Validate(("One:Least", "many"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("One:Lest", "1", "'One:Lest' is not a setting; there are Least, Ids, Inner.")]
    [InlineData("One:Least", "9999999999", "'One:Least' must be a whole number.")]
    [InlineData("One:Least:0", "1", "'One:Least:0' is not a setting: One:Least is one value.")]
    [InlineData("One:Ids", "11111111-0000-4000-8000-000000000001", "'One:Ids' is a group of settings, and no value.")]
    [InlineData("One:Ids:0", "hush", "'One:Ids:0' must be a UUID.")]
    [InlineData("One:Ids:first", "11111111-0000-4000-8000-000000000001", "'One:Ids:first' is not a setting; the entries of a list are numbered from 0.")]
    [InlineData("One:Inner:0:Url", "http://[", "'One:Inner:0:Url' must be a URL.")]
    [InlineData("One:Inner:0:Urls", "http://a", "'One:Inner:0:Urls' is not a setting; there are Url, IsOn, Limit.")]
    [InlineData("One:Inner:3:IsOn", "yes", "'One:Inner:3:IsOn' must be true or false.")]
    [InlineData("One:Inner:0:Limit", "70000", "'One:Inner:0:Limit' must be a whole number from 0 to 65535.")]
    public void What_does_not_fit_is_named_and_not_repeated(string key, string value, string problem) =>
        Assert.Equal(problem, Assert.Throws<StartupException>(() => Validate((key, value))).Message);

    [Theory]
    [InlineData("one:LEAST", "2")]
    [InlineData("One:Ids", "")]
    [InlineData("One:Inner:0:Url", "")]
    [InlineData("One:Inner:0:Limit", "")]
    [InlineData("One:Inner:7:IsOn", "TRUE")]
    public void What_fits_does(string key, string value) => Validate((key, value));

    [Theory]
    [InlineData("RateLimitting:ReadsPerMinute", "RateLimiting")]
    [InlineData("ratelimits:ReadsPerMinute", null)]
    [InlineData("RateLimitings:ReadsPerMinute", "RateLimiting")]
    [InlineData("Client:0:Id", "Clients")]
    [InlineData("cliants:0:Id", "Clients")]
    [InlineData("Redis:Host", null)]
    [InlineData("Read:MaxLagSeconds", "Reads")]
    [InlineData("READS:MaxLag", null)]
    [InlineData("Reeds", null)]
    [InlineData("Serilog:Level", null)]
    public void A_section_whose_name_is_nearly_one_of_ours_is_misspelt(string key, string? meant)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, "1"), new("Reads:MaxLagSeconds", "1")]).Build();
        Assert.Equal(
            meant is null ? [] : [(key.Split(':')[0], meant)],
            Settings.Misspelt(configuration, [new SettingsSection("Clients"), new SettingsSection("RateLimiting"), new SettingsSection("Reads")]));
    }

    private static void Validate(params (string Key, string? Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build();
        var services = new ServiceCollection();
        services.AddSettings<One>(configuration.GetSection("One"), options => Problems("One", options.Least));
        services.AddSettings<Two>(configuration.GetSection("Two"), options => Problems("Two", options.Least));
        using var provider = services.BuildServiceProvider();
        Settings.Validate(provider);
    }

    private static IEnumerable<string> Problems(string section, int least) => least < 1 ? [$"{section}:Least must be 1 or more."] : [];

    private sealed class One
    {
        public int Least { get; init; } = 1;

        public List<Guid> Ids { get; init; } = [];

        public List<Inner> Inner { get; init; } = [];

        public int Computed => Least;
    }

    private sealed class Inner
    {
        public Uri? Url { get; init; }

        public bool IsOn { get; init; }

        public ushort? Limit { get; init; }
    }

    private sealed class Two
    {
        public int Least { get; init; } = 1;
    }
}
