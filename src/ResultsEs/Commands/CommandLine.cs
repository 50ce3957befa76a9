using JasperFx;
using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>Runs the command that the arguments name: one of ours or of the libraries (<c>db-apply</c>, <c>codegen</c>, …).</summary>
internal static class CommandLine
{
    /// <summary>True when the arguments name a command. Without one the program is the service.</summary>
    public static bool IsCommand(string[] args) => args is not ([] or [['-', ..], ..]);

    /// <summary>Runs a command that needs no database. Returns its exit code, or null when the arguments name no such command.</summary>
    public static async Task<int?> TryRunWithoutDatabaseAsync(string[] args)
    {
        if (!IsCommand(args))
            return null;
        if (args[0].ToLowerInvariant() is "help" or "?")
            return await CommandExecutor.For(factory =>
            {
                factory.RegisterCommands(typeof(CommandExecutor).Assembly);
                factory.RegisterCommandsFromExtensionAssemblies();
                factory.RegisterCommands(typeof(CommandLine).Assembly);
            }).ExecuteAsync(args);
        return Find(ref args) is { } command && !typeof(DatabaseInput).IsAssignableFrom(command.BaseType!.GetGenericArguments()[0])
            ? await RunOursAsync(command, args, services: null)
            : null;
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

    /// <summary>Finds our command that the arguments name. One whose name has two words drops further arguments.</summary>
    private static Type? Find(ref string[] args)
    {
        var commands = typeof(CommandLine).Assembly.GetExportedTypes().Where(CommandFactory.IsJasperFxCommandType)
            .ToDictionary(CommandFactory.CommandNameFor, StringComparer.OrdinalIgnoreCase);
        if (commands.TryGetValue(args[0], out var command))
            return command;
        if (commands.TryGetValue(string.Join(' ', args.Take(2)), out command))
            args = [CommandFactory.CommandNameFor(command)];
        return command;
    }
}
