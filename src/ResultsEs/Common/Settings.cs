using Microsoft.Extensions.Options;

namespace ResultsEs.Common;

/// <summary>
/// The way in which settings are read: a class of options bound to a section, and a function that names what is wrong with them.
/// Connection strings are read where parts are registered, because
/// they decide which; what is wrong with one is a <see cref="StartupException"/> as well. No message repeats a secret.
/// </summary>
internal static class Settings
{
    /// <summary>Binds options to a section; the service does not start while anything is wrong with them.</summary>
    /// <typeparam name="T">The options. Whatever can be a secret is text: a value that is no number, UUID or URL where one is expected is
    /// told.</typeparam>
    /// <param name="services">Where they are registered.</param>
    /// <param name="section">The section, or the whole configuration.</param>
    /// <param name="problems">What is wrong, a sentence each, beginning with the setting's name.</param>
    public static OptionsBuilder<T> AddSettings<T>(
        this IServiceCollection services, IConfiguration section, Func<T, IEnumerable<string>> problems)
        where T : class
    {
        services.AddSingleton<IValidateOptions<T>>(new Validator<T>(problems));
        return services.AddOptions<T>().Bind(section).ValidateOnStart();
    }

    /// <summary>Makes sure of all settings that are registered, before anything else is done with them.</summary>
    /// <exception cref="StartupException">Some are wrong; a line each.</exception>
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
