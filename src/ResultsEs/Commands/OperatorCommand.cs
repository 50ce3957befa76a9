using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>The exit code of a command, as in the table of <c>docs/operations/README.md</c>.</summary>
internal enum ExitCode
{
    /// <summary>Everything is done, and nothing is wrong.</summary>
    Success = 0,

    /// <summary>The command was refused, failed, or found a problem. The standard error tells it.</summary>
    Failure = 1,

    /// <summary>An import could not begin or was interrupted. Its output tells how to continue.</summary>
    CutOff = 2,

    /// <summary>Everything is done but for what was set aside. The standard error names it.</summary>
    SetAside = 3,
}

/// <summary>A command that needs no database. Problems go to the standard error. It ends with an <see cref="ExitCode"/>.</summary>
public abstract class OperatorCommand<T> : JasperFxAsyncCommand<T>
    where T : class
{
    /// <summary>The exit code when the arguments are invalid or the command fails.</summary>
    private protected virtual ExitCode Failed => ExitCode.Failure;

    public sealed override async Task<bool> Execute(T input)
    {
        ExitCode end;
        try
        {
            end = ProblemOf(input) is { } problem ? Fail(problem) : await RunAsync(input);
        }
        catch (Exception e)
        {
            // Unexpected errors are printed with their stack. The library would print them to the standard output, which is the command's.
            end = Fail(e is StartupException or OptionsValidationException ? e.Message : e.ToString());
        }

        Environment.ExitCode = (int)end;
        return end == ExitCode.Success;
    }

    /// <summary>The problem of the arguments; null when they are valid.</summary>
    private protected virtual string? ProblemOf(T input) => null;

    private protected abstract Task<ExitCode> RunAsync(T input);

    private protected ExitCode Fail(string problem)
    {
        Console.Error.WriteLine(Printable.Lines(problem));
        return Failed;
    }

    /// <summary>Prints a text. What of it others chose is a line: see <see cref="Printable.Line"/>.</summary>
    private protected static ExitCode Say(string text)
    {
        Console.Out.WriteLine(Printable.Lines(text));
        return ExitCode.Success;
    }

    /// <summary>The problem of a flag whose value must be a UUID; null when it is one or is absent.</summary>
    private protected static string? ProblemOfId(string flag, string? value) =>
        value is null || Uuid.TryParse(value, out _) ? null : $"{flag} must be a UUID.";
}

public sealed class NoInput;

public abstract class DatabaseInput
{
    /// <summary>The services of the host, which is built and not started.</summary>
    internal IServiceProvider? Services { get; set; }
}

/// <summary>A command that uses the database, whether or not the service runs. It makes sure of the tables first.</summary>
public abstract class DatabaseCommand<T> : OperatorCommand<T>
    where T : DatabaseInput
{
    private protected sealed override async Task<ExitCode> RunAsync(T input)
    {
        await DatabaseSchema.PrepareTablesAsync(input.Services!, CancellationToken.None);
        var database = input.Services!.GetRequiredService<NpgsqlDataSource>();
        // Before the work, so that what is broken off was said to have begun.
        await NoteAsync(database, input, "begun");
        var outcome = ExitCode.Failure;
        try
        {
            return outcome = await RunAsync(input, input.Services!);
        }
        finally
        {
            await NoteAsync(database, input, outcome == ExitCode.Success ? "done" : "failed");
        }
    }

    /// <summary>The command's name and, where there are several, what it is to do: its action in the audit. Never a value.</summary>
    private protected virtual string ActionOf(T input) => CommandFactory.CommandNameFor(GetType());

    /// <summary>The id of what the command is about; null when it is about no one thing.</summary>
    private protected virtual string? SubjectOf(T input) => null;

    /// <summary>Writes into the audit who runs the command. What cannot be written is said, and stops nothing that is done.</summary>
    private async Task NoteAsync(NpgsqlDataSource database, T input, string outcome)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            var entry = new AuditEntry(AuditKind.Command, ActionOf(input), outcome)
            {
                Client = Operator.Sender,
                Subject = AuditEntry.Shortened(SubjectOf(input)),
            };
            await Audit.WriteAsync(connection, entry, CancellationToken.None);
        }
        catch (NpgsqlException e)
        {
            Console.Error.WriteLine($"The audit could not be written: {e.Message}");
        }
    }

    private protected abstract Task<ExitCode> RunAsync(T input, IServiceProvider services);
}
