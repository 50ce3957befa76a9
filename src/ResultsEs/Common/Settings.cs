namespace ResultsEs.Common;

/// <summary>
/// Options classes bound to configuration, each with a function that names what is wrong. Connection strings are read earlier, because
/// they decide which services are registered; a wrong one is a <see cref="StartupException"/>, too. No message repeats a secret.
/// </summary>
internal static class Settings
{
    /// <summary>
    /// Binds options to a section. The service does not start while it holds unknown keys or values that cannot be read, or while
    /// <paramref name="problems"/> returns any. Each is a sentence that begins with the setting's name.
    /// </summary>
    public static OptionsBuilder<T> AddSettings<T>(
        this IServiceCollection services, IConfiguration section, Func<T, IEnumerable<string>> problems)
        where T : class
    {
        services.AddSingleton<IValidateOptions<T>>(new Validator<T>(problems));
        foreach (var name in section is IConfigurationSection named ? [named.Key] : SettingsShape.NamesOf(typeof(T)))
            services.AddSingleton(new SettingsSection(name));
        return services.AddOptions<T>().Configure(options =>
        {
            if (SettingsShape.Problems(section, typeof(T)).ToList() is { Count: > 0 } wrong)
                throw new OptionsValidationException("", typeof(T), wrong);
            section.Bind(options);
        }).ValidateOnStart();
    }

    /// <summary>Checks the keys of a section that is read without options, before anything reads it.</summary>
    /// <exception cref="StartupException">Some are unknown; one line each.</exception>
    public static void CheckKeys<T>(IConfigurationSection section)
    {
        if (SettingsShape.Problems(section, typeof(T)).ToList() is { Count: > 0 } wrong)
            throw new StartupException(string.Join(Environment.NewLine, wrong));
    }

    /// <summary>Checks all registered settings before anything uses them.</summary>
    /// <exception cref="StartupException">Some are wrong; one line each.</exception>
    public static void Validate(IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (Exception e) when (e is OptionsValidationException or AggregateException or InvalidOperationException)
        {
            var problems = e is AggregateException all ? all.InnerExceptions : [e];
            var lines = problems.SelectMany(one => one is OptionsValidationException options ? options.Failures : [one.Message]);
            throw new StartupException(string.Join(Environment.NewLine, lines), e);
        }
    }

    /// <summary>
    /// The top-level sections that nobody reads and whose names are nearly those of ours, each with the name that was probably meant.
    /// Others may belong to anybody: the environment's variables are part of the configuration.
    /// </summary>
    public static IEnumerable<(string Section, string Meant)> Misspelt(IConfiguration configuration, IEnumerable<SettingsSection> sections)
    {
        var known = sections.Select(section => section.Name).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        return
            from section in configuration.GetChildren()
            where section.GetChildren().Any() && !known.Contains(section.Key, StringComparer.OrdinalIgnoreCase)
            let meant = known.Find(name => Distance(name, section.Key) <= (name.Length < 8 ? 1 : 2))
            where meant is not null
            select (section.Key, meant);
    }

    /// <summary>How many letters have to be put in, left out or replaced to make one name of the other; case does not matter.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 0; i < one.Length; i++)
        {
            var (diagonal, letter) = (row[0]++, char.ToUpperInvariant(one[i]));
            for (var j = 0; j < other.Length; j++)
            {
                var cost = diagonal + (letter == char.ToUpperInvariant(other[j]) ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = Math.Min(cost, Math.Min(row[j], diagonal) + 1);
            }
        }

        return row[^1];
    }

    private sealed class Validator<T>(Func<T, IEnumerable<string>> problems) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options) =>
            problems(options).ToList() is { Count: > 0 } wrong ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
    }
}

/// <summary>The name of a top-level section that the service reads.</summary>
internal sealed record SettingsSection(string Name);
