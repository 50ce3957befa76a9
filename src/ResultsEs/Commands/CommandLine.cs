using JasperFx;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>
/// Finds the command that the arguments name: one of this folder, or of the libraries' (<c>db-apply</c>, <c>codegen</c>, …).
/// </summary>
internal static class CommandLine
{
    private static readonly string[] Help = ["help", "?"];

    /// <summary>Whether the arguments name a command; without one the service serves.</summary>
    public static bool IsCommand(string[] args) => args is not ([] or [['-', ..], ..]);

    /// <summary>Runs a command that needs no database; null when the arguments name none of these.</summary>
    public static async Task<int?> TryRunWithoutDatabaseAsync(string[] args)
    {
        if (!IsCommand(args))
            return null;
        if (Help.Contains(args[0], StringComparer.OrdinalIgnoreCase))
            return await CommandExecutor.For(RegisterAll).ExecuteAsync(args);
        return Find(ref args) is { } command && !typeof(DatabaseInput).IsAssignableFrom(InputOf(command))
            ? await RunOursAsync(command, args, services: null)
            : null;
    }

    /// <summary>Runs a command that needs the database.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(WebApplication app, string[] args)
    {
        if (Find(ref args) is { } command)
            return await RunOursAsync(command, args, app.Services);

        // Those who apply at once would make the same tables.
        await using var alone = args is ["db-apply", ..]
            ? await DatabaseSchema.WaitForOtherMigrationsAsync(app.Services.GetRequiredService<NpgsqlDataSource>(), CancellationToken.None)
            : null;
        return await app.RunJasperFxCommands(args);
    }

    private static async Task<int> RunOursAsync(Type command, string[] args, IServiceProvider? services)
    {
        // By itself: the libraries' are sought in every assembly, which takes its time and is told on the standard output.
        var executor = CommandExecutor.For(factory =>
        {
            factory.RegisterCommand(command);
            factory.ConfigureRun = run =>
            {
                if (run.Input is DatabaseInput input)
                    input.Services = services;
            };
        });
        // The library knows no other failure than 1; a command has set its own.
        return await executor.ExecuteAsync(args) == 0 ? 0 : Math.Max(1, Environment.ExitCode);
    }

    /// <summary>
    /// The command of this folder that the arguments name. One whose name has two words takes no arguments: these are dropped.
    /// </summary>
    private static Type? Find(ref string[] args)
    {
        var (one, two) = (args[0], string.Join(' ', args.Take(2)));
        foreach (var command in typeof(CommandLine).Assembly.GetExportedTypes().Where(CommandFactory.IsJasperFxCommandType))
        {
            var name = CommandFactory.CommandNameFor(command);
            if (string.Equals(name, one, StringComparison.OrdinalIgnoreCase))
                return command;
            if (!string.Equals(name, two, StringComparison.OrdinalIgnoreCase))
                continue;

            args = [name];
            return command;
        }

        return null;
    }

    private static Type InputOf(Type command) => command.BaseType!.GetGenericArguments()[0];

    private static void RegisterAll(CommandFactory factory)
    {
        factory.RegisterCommands(typeof(CommandExecutor).Assembly);
        factory.RegisterCommandsFromExtensionAssemblies();
        factory.RegisterCommands(typeof(CommandLine).Assembly);
    }
}
