namespace ResultsEs.EventStore;

/// <summary>A stream of an account, by the ids of both. Its document has the same key.</summary>
internal readonly record struct StreamKey(string Account, Guid Id);
