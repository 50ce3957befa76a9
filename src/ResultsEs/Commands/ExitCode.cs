namespace ResultsEs.Commands;

/// <summary>The exit code of a command, as in the table of <c>docs/operations/README.md</c>.</summary>
public enum ExitCode
{
    /// <summary>Everything is done, and nothing is wrong.</summary>
    Success = 0,

    /// <summary>The command was refused, failed, or found a problem. The standard error tells it.</summary>
    Failure = 1,

    /// <summary>An import could not begin or was interrupted. Its output tells how to continue.</summary>
    CutOff = 2,
}
