using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>What v2 and v3 show of a FIGMA task.</summary>
internal sealed record FigmaPayload
{
    public required string PrototypeUrl { get; init; }

    public string? FigmaPrototypeTitle { get; init; }

    public string? FigmaPrototypeDisplaySetting { get; init; }

    public TaskOutcome? Outcome { get; init; }

    public string? StartNodeId { get; init; }

    public string? EndNodeId { get; init; }

    public long? DurationMs { get; init; }

    public int InteractionCount { get; init; }

    public int MisclickCount { get; init; }

    public IReadOnlyList<FigmaNodeVisit> Path { get; init; } = [];

    public IReadOnlyList<JsonElement> Interactions { get; init; } = [];
}

/// <summary>A node (frame) that came on the screen, and when (milliseconds since the session's start).</summary>
internal sealed record FigmaNodeVisit(string NodeId, long AtMs);

internal sealed class Figma : WireValidator<FigmaAnswer>
{
    public static TaskType<FigmaAnswer, FigmaPayload> TaskType { get; } = new("FIGMA", "figma", new Figma())
    {
        Payload = answer => new()
        {
            PrototypeUrl = answer.PrototypeUrl,
            FigmaPrototypeTitle = answer.FigmaPrototypeTitle,
            FigmaPrototypeDisplaySetting = answer.FigmaPrototypeDisplaySetting,
            Outcome = answer.Outcome,
        },
        Mask = static (answer, _) => answer with
        {
            PrototypeUrl = Masking.Url,
            FigmaPrototypeTitle = null,
            FigmaPrototypeDisplaySetting = null,
        },
        WithPieces = (payload, pieces) => pieces.Figma is { } take
            ? payload with
            {
                StartNodeId = take.StartNodeId,
                EndNodeId = take.EndNodeId,
                DurationMs = take.DurationMs,
                InteractionCount = take.Count,
                MisclickCount = take.Misclicks,
                Path = take.Path,
                Interactions = take.Interactions,
            }
            : payload,
    };

    public Figma()
    {
        RuleFor(x => x.PrototypeUrl).WebUrl();
        RuleFor(x => x.FigmaPrototypeTitle).FreeText();
        RuleFor(x => x.FigmaPrototypeDisplaySetting).Label();
    }
}
