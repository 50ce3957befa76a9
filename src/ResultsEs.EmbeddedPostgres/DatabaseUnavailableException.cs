namespace ResultsEs.EmbeddedPostgres;

/// <summary>No database is available. The message tells whoever starts the service what was tried and what to do.</summary>
public sealed class DatabaseUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
