namespace ResultsEs.Common;

/// <summary>The service cannot start as things are. The message is written for the person who starts it, and says what to do.</summary>
public sealed class StartupException : Exception
{
    /// <summary>An error without a message.</summary>
    public StartupException()
    {
    }

    /// <summary>An error that says what is wrong and what to do.</summary>
    public StartupException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says what is wrong and what to do, and what it comes from.</summary>
    public StartupException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
