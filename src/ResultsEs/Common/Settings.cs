namespace ResultsEs.Common;

/// <summary>
/// Options classes bound to configuration, each with a function that names what is wrong. Connection strings are read earlier, because
/// they decide which services are registered; a wrong one is a <see cref="StartupException"/>, too. No message repeats a secret.
/// </summary>
internal static class Settings
{
    /// <summary>
    /// Binds options to a section; the service does not start while <paramref name="problems"/> returns any. Each is a sentence that
    /// begins with the setting's name. Secrets must be strings: a value that is no number, UUID or URL where one is due is quoted.
    /// </summary>
    public static OptionsBuilder<T> AddSettings<T>(
        this IServiceCollection services, IConfiguration section, Func<T, IEnumerable<string>> problems)
        where T : class
    {
        services.AddSingleton<IValidateOptions<T>>(new Validator<T>(problems));
        return services.AddOptions<T>().Bind(section).ValidateOnStart();
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
