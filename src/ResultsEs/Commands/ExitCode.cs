namespace ResultsEs.Commands;

/// <summary>What a command's process ends with; the table of <c>docs/operations/README.md</c>.</summary>
public enum ExitCode
{
    /// <summary>All that was asked is done, and nothing is wrong.</summary>
    Success = 0,

    /// <summary>The command was refused, failed, or found something wrong; the standard error says what.</summary>
    Failure = 1,

    /// <summary>An import could not begin, or was cut off; it says how to go on.</summary>
    CutOff = 2,
}
