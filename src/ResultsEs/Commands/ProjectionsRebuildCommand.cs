using JasperFx.CommandLine;

namespace ResultsEs.Commands;

/// <summary>Refuses Marten's own rebuild, which empties the documents first: readers get 404, and writers fold onto nothing.</summary>
[Description("Refused; see: rebuild", Name = "projections rebuild")]
public sealed class ProjectionsRebuildCommand : OperatorCommand<NoInput>
{
    /// <inheritdoc/>
    protected override Task<ExitCode> RunAsync(NoInput input) => Task.FromResult(
        Fail("Documents are rebuilt while the service serves by: rebuild session-results, and rebuild highlight-reels."));
}
