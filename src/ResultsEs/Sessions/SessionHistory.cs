using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Sessions;

/// <summary>A place in a session's history: a version of its stream, or a moment by which events were stored.</summary>
/// <param name="Version">The version; null with a moment.</param>
/// <param name="AsOf">The moment; null with a version.</param>
internal sealed record HistoryPlace(int? Version, DateTimeOffset? AsOf)
{
    public static IReadOnlyList<QueryParameter> Query { get; } =
    [
        new(
            "asOf",
            "The session as it was by what was stored at this moment, by the database's clock: whatever the time of an event itself says, "
            + "what was stored later is not in it. Not with `version`.",
            QueryParameter.Time),
        new(
            "version",
            "The session as it was after so many of its events were stored. Not with `asOf`.",
            $$"""{ "type": "integer", "format": "int32", "minimum": 1, "maximum": {{int.MaxValue}} }"""),
    ];

    /// <summary>Reads the parameters; null when neither is there.</summary>
    public static HistoryPlace? Read(RequestParameters parameters)
    {
        int? version = parameters.Text("version") is null ? null : parameters.Number("version", 1, int.MaxValue, 1);
        var asOf = parameters.Time("asOf");
        if (version is not null && parameters.Text("asOf") is not null)
            parameters.Refuse("version", "must not be there with asOf");
        return version is null && asOf is null ? null : new HistoryPlace(version, asOf);
    }
}

/// <summary>
/// Results as they were: folds of a session's events up to a version or a moment of storing. What is erased is masked in the events, so it
/// comes back through none of them.
/// </summary>
internal static class SessionHistory
{
    /// <summary>The header with the version of the session that is shown.</summary>
    public const string VersionHeader = "x-session-version";

    public static readonly DocumentQuery Place = new(SessionResultTable.Documents, StreamPlace.Columns);

    /// <summary>Answers with the session as it was. Who may not see it as it is learns nothing.</summary>
    public static async Task<IResult> ReadAsync(
        HttpContext http, ReadDatabase database, ClientShares shares, Guid session, HistoryPlace at, CancellationToken cancellation)
    {
        var (json, refusal) = await FindAsync(
            http, database, shares, session, at, (connection, result, _, stop) => BodyAsync(connection, result, stop), cancellation);
        return refusal ?? new JsonBody(json!);
    }

    /// <summary>
    /// The transcript that the session had; null with a refusal, or where it had none yet. Who may not see it as it is learns nothing.
    /// </summary>
    public static Task<(SessionTranscribed? Transcript, IResult? Refusal)> TranscriptAsync(
        HttpContext http, ReadDatabase database, ClientShares shares, Guid session, HistoryPlace at, CancellationToken cancellation) =>
        FindAsync(
            http, database, shares, session, at,
            (_, result, events, _) => Task.FromResult(
                events.FirstOrDefault(e => e.Stamp.By == result.Fold.Transcribed?.By).Data as SessionTranscribed),
            cancellation);

    private static async Task<(T? Shown, IResult? Refusal)> FindAsync<T>(
        HttpContext http, ReadDatabase database, ClientShares shares, Guid session, HistoryPlace at, Show<T> show,
        CancellationToken cancellation)
        where T : class?
    {
        var caller = Caller.From(http.User);
        if (await SessionResultQuery.ReadAsync(database, Place, caller, session, StreamPlace.Read, cancellation) is not { } place)
            return (null, Problems.NotFound());
        if (at.Version > place.Version)
            return (null, NotStored($"The session has no version {at.Version}: its last is {place.Version}."));
        if (shares.History.TakeOrRefuse(http, caller, place.Bytes) is { } refusal)
            return (null, refusal);

        var stream = new StreamKey(Tenant.Of(caller.Account), session);
        var found = await StreamHistory.ReadAsync(
            database, stream, at.Version ?? place.Version,
            (connection, stop) => ShowAsync(connection, stream, caller.Workspaces, at, show, stop), cancellation);
        if (found is not { } shown)
            return (null, NotStored("The session's start was not stored by then, or it was not in a workspace of this client."));

        http.Response.Headers[VersionHeader] = shown.Version.ToString(CultureInfo.InvariantCulture);
        return (shown.Value, null);
    }

    private static IResult NotStored(string detail) => Problems.Of(StatusCodes.Status404NotFound, detail);

    private static async Task<(long Version, T Value)?> ShowAsync<T>(
        NpgsqlConnection connection, StreamKey stream, Guid[] workspaces, HistoryPlace at, Show<T> show, CancellationToken cancellation)
    {
        var table = SessionResultTable.Documents;
        var stored = await StreamHistory.ReadUntilAsync(
            connection, table, stream, workspaces, at.Version ?? long.MaxValue, at.AsOf ?? DateTimeOffset.MaxValue, cancellation);
        if (stored is null)
            return null;

        // Of several documents the caller is shown the first of its workspaces, as it is of those that are stored.
        var shown = table.FoldAll(stream.Id, stored.ReadableEvents)
            .FirstOrDefault(one => one.Workspace is { } workspace && workspaces.Contains(workspace)).Document;
        return shown is SessionResult result
            ? (stored.Version, await show(connection, result, stored.ReadableEvents, cancellation))
            : null;
    }

    // As the database writes the documents that it stores, to the byte.
    private static async Task<byte[]> BodyAsync(NpgsqlConnection connection, SessionResult result, CancellationToken cancellation) =>
        (await new NpgsqlCommand("select $1::jsonb", connection).ReadAllAsync(
            [JsonSerializer.Serialize(result.Body, Json.Of<SessionBody>())], reader => reader.GetFieldValue<byte[]>(0), cancellation))[0];

    /// <summary>What is shown of a session as it was, with the events that make it so.</summary>
    private delegate Task<T> Show<T>(
        NpgsqlConnection connection, SessionResult result, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);
}
