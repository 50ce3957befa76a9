using Wolverine;
using Wolverine.Runtime;

namespace ResultsEs.Commands;

/// <summary>Wolverine's bus in a command, whose host is built and not started.</summary>
internal static class CommandBus
{
    /// <summary>Starts Wolverine and nothing else of the host.</summary>
    public static async Task<IMessageBus> StartBusAsync(this IHost host)
    {
        var runtime = host.Services.GetRequiredService<IWolverineRuntime>();
        await ((IHostedService)runtime).StartAsync(CancellationToken.None);
        return new MessageBus(runtime);
    }
}
