using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

[assembly: JsonContext<ResultsEs.Mcp.McpJson>]

namespace ResultsEs.Mcp;

/// <summary>The transcript of a session as a list: what the API's WebVTT says, in its order.</summary>
internal sealed record SessionTranscript(Guid SessionId, string? Language, IReadOnlyList<TranscriptCue> Cues)
{
    /// <summary>Answers with the transcript of a session, as the endpoint's parameters name it.</summary>
    public static async Task<IResult> GetAsync(
        HttpContext http, ReadDatabase database, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        var at = HistoryPlace.Read(parameters);
        if (parameters.AreRefused(out var problem))
            return problem;
        var (said, refusal) = await GetTranscript.ReadAsync(http, database, shares, session, at, cancellation);
        if (said is null)
            return refusal!;

        var cues = WebVtt.InOrder(said.Cues).Select(cue => new TranscriptCue(cue.StartMs, cue.EndMs, cue.Speaker, cue.Text));
        return JsonBody.Of(new SessionTranscript(session, said.Language, [.. cues]), Json.Of<SessionTranscript>());
    }
}

/// <summary>A part of a transcript.</summary>
/// <param name="StartMs">When it begins, in milliseconds from the recording's beginning.</param>
/// <param name="EndMs">When it ends.</param>
/// <param name="Speaker">Who spoke; absent when it is not known.</param>
/// <param name="Text">What was said.</param>
internal sealed record TranscriptCue(long StartMs, long EndMs, string? Speaker, string Text);

[JsonSerializable(typeof(SessionTranscript))]
[JsonSerializable(typeof(CutOfAnswer))]
internal sealed partial class McpJson : JsonSerializerContext;
