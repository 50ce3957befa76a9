using ResultsEs.EventStore;
using ResultsEs.Privacy;

namespace ResultsEs.Commands;

/// <summary>An action of retention.</summary>
public enum RetentionRun
{
    /// <summary>Print what is due, and do nothing.</summary>
    plan,

    /// <summary>Do what is due, up to the limit of an hour.</summary>
    run,
}

public sealed class RetentionInput : DatabaseInput
{
    [Description("plan or run")]
    public RetentionRun Action { get; set; }
}

/// <summary>Applies the rules of retention now, or shows what they would do.</summary>
[Description("Erase or delete what is older than its account keeps it, or show what is due", Name = "retention")]
public sealed class RetentionCommand : DatabaseCommand<RetentionInput>
{
    public RetentionCommand() => Usage("Plan or run").Arguments(input => input.Action).ValidFlags();

    private protected override string ActionOf(RetentionInput input) => $"retention {input.Action}";

    private protected override async Task<ExitCode> RunAsync(RetentionInput input, IServiceProvider services)
    {
        var retention = services.GetRequiredService<Retention>();
        await using var held = await AdvisoryLock.TryHoldAsync(
            services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Locks), RetentionService.LockName, CancellationToken.None);
        if (held is null)
            return Fail("A node is applying retention just now.");

        foreach (var line in await retention.RunAsync(isDry: input.Action == RetentionRun.plan, CancellationToken.None))
            Say(line);
        return ExitCode.Success;
    }
}
