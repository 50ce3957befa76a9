namespace ResultsEs.Common;

/// <summary>The service cannot start as it is configured. The message tells whoever starts it what is wrong and what to do.</summary>
public sealed class StartupException(string message, Exception? innerException = null) : Exception(message, innerException);
