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
    }

    private sealed class Two
    {
        public int Least { get; init; } = 1;
    }
}
