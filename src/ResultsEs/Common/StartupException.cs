namespace ResultsEs.Common;

/// <summary>The service cannot start as things are. The message is written for the person who starts it.</summary>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="innerException">What it comes from, if anything.</param>
public sealed class StartupException(string message, Exception? innerException = null) : Exception(message, innerException);
