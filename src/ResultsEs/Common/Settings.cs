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

    private sealed class Validator<T>(Func<T, IEnumerable<string>> problems) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options) =>
            problems(options).ToList() is { Count: > 0 } wrong ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
    }
}
