namespace ResultsEs.EmbeddedPostgres;

/// <summary>There is no database to work with. The message is written for the person who starts the service.</summary>
/// <param name="message">What was tried and what to do.</param>
/// <param name="innerException">What it comes from, if anything.</param>
public sealed class DatabaseUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
