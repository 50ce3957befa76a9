using ResultsEs.Ingestion;

namespace ResultsEs.Commands;

/// <summary>What records events in a command, where Wolverine is not started: the same handler, called at once.</summary>
internal static class CommandRecorder
{
    /// <summary>Records a message's events.</summary>
    public static Func<RecordEvents, Task<RecordResult>> Recorder(this IServiceProvider services)
    {
        var commit = services.GetRequiredService<GroupCommit>();
        return command => RecordEventsHandler.Handle(command, commit);
    }
}
