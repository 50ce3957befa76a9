using JasperFx;
using ResultsEs.EventStore;
using Spectre.Console;

namespace ResultsEs.Commands;

/// <summary>Runs the command that the arguments name: one of ours or of the libraries (<c>db-apply</c>, <c>codegen</c>, …).</summary>
internal static class CommandLine
{
    private const int UnknownCommand = 2;

    private static readonly string[] Help = ["help", "?", "--help", "-h", "-?", "/?"];

    /// <summary>True when the arguments name a command. Without one the program is the service.</summary>
    public static bool IsCommand(string[] args) => args is not ([] or [['-', ..], ..]);

    /// <summary>
    /// Runs a command that needs no database, or tells that there is none of that name. Returns the exit code; null when the arguments
    /// are those of the service, or of a command that needs the database.
    /// </summary>
    public static async Task<int?> TryRunWithoutDatabaseAsync(string[] args)
    {
        if (args is [var first, ..] && Help.Contains(first, StringComparer.OrdinalIgnoreCase))
            return await HelpAsync(args[1..]);
        if (!IsCommand(args))
            return null;
        if (Find(ref args) is { } command)
            return typeof(DatabaseInput).IsAssignableFrom(InputOf(command)) ? null : await RunOursAsync(command, args, services: null);
        return Libraries().ContainsKey(args[0]) ? null : TellUnknown(args[0]);
    }

    /// <summary>Runs a command that needs the database.</summary>
    public static async Task<int> RunAsync(WebApplication app, string[] args)
    {
        if (Find(ref args) is { } command)
            return await RunOursAsync(command, args, app.Services);

        // Two that apply at the same time would create the same tables.
        await using var alone = args is ["db-apply", ..]
            ? await DatabaseSchema.WaitForOtherMigrationsAsync(app.Services.GetRequiredService<NpgsqlDataSource>(), CancellationToken.None)
            : null;
        // The library's search for commands tells of itself unless extensions were applied before; there are none to apply.
        new CommandFactory().ApplyExtensions(new ServiceCollection());
        return await app.RunJasperFxCommands(args);
    }

    private static async Task<int> RunOursAsync(Type command, string[] args, IServiceProvider? services)
    {
        // Only this command is registered: the search for the libraries' is slow and writes to the standard output.
        var executor = CommandExecutor.For(factory =>
        {
            factory.RegisterCommand(command);
            factory.ConfigureRun = run =>
            {
                if (run.Input is DatabaseInput input)
                    input.Services = services;
            };
        });
        // The library returns 1 for every failure; a command sets its own exit code.
        return await executor.ExecuteAsync(args) == 0 ? 0 : Math.Max(1, Environment.ExitCode);
    }

    /// <summary>Lists the commands, ours first, or tells how to use one.</summary>
    private static async Task<int> HelpAsync(string[] args)
    {
        if (args is [])
        {
            Console.Out.WriteLine("Without a command the service starts. Commands:");
            List(Console.Out, Ours());
            Console.Out.WriteLine();
            Console.Out.WriteLine("Of the libraries that the service is made of:");
            List(Console.Out, Libraries());
            Console.Out.WriteLine();
            Console.Out.WriteLine("help COMMAND tells its arguments.");
            return 0;
        }

        if ((Find(ref args) ?? Libraries().GetValueOrDefault(args[0])) is not { } command)
            return TellUnknown(args[0]);

        var name = CommandFactory.CommandNameFor(command);
        await CommandExecutor.For(factory => factory.RegisterCommand(command)).ExecuteAsync(["help", name]);
        return 0;
    }

    private static int TellUnknown(string name)
    {
        Console.Error.WriteLine($"There is no command '{name}'. Commands:");
        List(Console.Error, Ours());
        Console.Error.WriteLine("'help' lists those of the libraries, too.");
        return UnknownCommand;
    }

    private static void List(TextWriter output, IReadOnlyDictionary<string, Type> commands)
    {
        var width = commands.Keys.Max(name => name.Length);
        foreach (var (name, command) in commands)
            output.WriteLine($"  {name.PadRight(width)}  {CommandFactory.DescriptionFor(command)}");
    }

    private static SortedDictionary<string, Type> Ours() => ByName(
        typeof(CommandLine).Assembly.GetExportedTypes().Where(CommandFactory.IsJasperFxCommandType));

    /// <summary>The libraries' commands by name.</summary>
    private static SortedDictionary<string, Type> Libraries()
    {
        var factory = new CommandFactory();
        var console = AnsiConsole.Console;
        // The search writes to the standard output.
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
        try
        {
            factory.RegisterCommands(typeof(CommandExecutor).Assembly);
            factory.RegisterCommandsFromExtensionAssemblies();
        }
        finally
        {
            AnsiConsole.Console = console;
        }

        return ByName(factory.AllCommandTypes().Where(type => type.Assembly != typeof(CommandLine).Assembly));
    }

    private static SortedDictionary<string, Type> ByName(IEnumerable<Type> commands) =>
        new(
            commands.ToDictionary(CommandFactory.CommandNameFor, StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);

    /// <summary>Finds our command that the arguments name. One whose name has two words drops further arguments.</summary>
    private static Type? Find(ref string[] args)
    {
        var ours = Ours();
        if (ours.TryGetValue(args[0], out var command))
            return command;
        if (ours.TryGetValue(string.Join(' ', args.Take(2)), out command))
            args = [CommandFactory.CommandNameFor(command)];
        return command;
    }

    private static Type InputOf(Type command) => command.BaseType!.GetGenericArguments()[0];
}
