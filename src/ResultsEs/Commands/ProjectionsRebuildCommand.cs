using JasperFx.CommandLine;

namespace ResultsEs.Commands;

/// <summary>Takes no arguments.</summary>
public sealed class ProjectionsRebuildInput;

/// <summary>
/// Refuses Marten's own rebuild, which empties the documents first: readers would get 404, and writers fold onto nothing, while it runs.
/// </summary>
[Description("Refused; see: rebuild", Name = "projections rebuild")]
public sealed class ProjectionsRebuildCommand : OperatorCommand<ProjectionsRebuildInput>
{
    /// <inheritdoc/>
    protected override Task<ExitCode> RunAsync(ProjectionsRebuildInput input) => Task.FromResult(
        Fail("Documents are rebuilt while the service serves by: rebuild session-results, and rebuild highlight-reels."));
}
