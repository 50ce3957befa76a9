using JasperFx.CommandLine;
using Microsoft.Extensions.Options;
using ResultsEs.Common;
using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>
/// A command of the service. Its arguments are checked before anything else is done; what is wrong is a line on the standard error, and
/// the exit code is one of
/// <see cref="ExitCode"/>. Without <see cref="DatabaseCommand{T}"/> it needs no database, and none is looked for.
/// </summary>
/// <typeparam name="T">The arguments.</typeparam>
public abstract class OperatorCommand<T> : JasperFxAsyncCommand<T>
    where T : class
{
    /// <summary>The exit code where the arguments are wrong, or the command fails of itself.</summary>
    protected virtual ExitCode Failed => ExitCode.Failure;

    /// <inheritdoc/>
    public sealed override async Task<bool> Execute(T input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ExitCode end;
        try
        {
            end = ProblemOf(input) is { } problem ? Fail(problem) : await RunAsync(input);
        }
        catch (Exception e) when (e is StartupException or OptionsValidationException)
        {
            end = Fail(e.Message);
        }
        catch (Exception e)
        {
            // Of what nobody foresaw the place matters. The library would print it to the standard output, which is the command's own.
            end = Fail(e.ToString());
        }

        Environment.ExitCode = (int)end;
        return end == ExitCode.Success;
    }

    /// <summary>What is wrong with the arguments; null when nothing is.</summary>
    protected virtual string? ProblemOf(T input) => null;

    /// <summary>Runs the command.</summary>
    protected abstract Task<ExitCode> RunAsync(T input);

    /// <summary>Says on the standard error what is wrong.</summary>
    protected ExitCode Fail(string problem)
    {
        Console.Error.WriteLine(problem);
        return Failed;
    }

    /// <summary>Says on the standard output what was done.</summary>
    protected static ExitCode Say(string text)
    {
        Console.Out.WriteLine(text);
        return ExitCode.Success;
    }

    /// <summary>The problem of a flag whose value must be a UUID; null when it is one, or is not given.</summary>
    protected static string? ProblemOfId(string flag, string? value) =>
        value is null || Uuid.TryParse(value, out _) ? null : $"{flag} must be a UUID.";
}

/// <summary>The arguments of a command that works on the database, and the service's parts for it.</summary>
public abstract class DatabaseInput
{
    /// <summary>The service's parts; the host is built and not started.</summary>
    [IgnoreOnCommandLine]
    public IServiceProvider? Services { get; set; }
}

/// <summary>A command that works on the database, while the service runs or not. It runs when the tables are there.</summary>
/// <typeparam name="T">The arguments.</typeparam>
public abstract class DatabaseCommand<T> : OperatorCommand<T>
    where T : DatabaseInput
{
    /// <inheritdoc/>
    protected sealed override async Task<ExitCode> RunAsync(T input)
    {
        await DatabaseSchema.PrepareTablesAsync(input.Services!, CancellationToken.None);
        return await RunAsync(input, input.Services!);
    }

    /// <summary>Runs the command.</summary>
    /// <param name="input">The arguments.</param>
    /// <param name="services">The service's parts.</param>
    protected abstract Task<ExitCode> RunAsync(T input, IServiceProvider services);
}
