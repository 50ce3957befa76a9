using System.Text.Json;
using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Contracts;

[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.FigmaJson>]

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

/// <summary>One interaction as it is shown: the event without its task.</summary>
internal sealed record FigmaInteraction
{
    public required long AtMs { get; init; }

    public required string Kind { get; init; }

    public string? PresentedNodeId { get; init; }

    public bool? Handled { get; init; }

    public string? TargetNodeId { get; init; }

    public FigmaVector? TargetNodeMousePosition { get; init; }

    public string? NearestScrollingFrameId { get; init; }

    public FigmaVector? NearestScrollingFrameMousePosition { get; init; }

    public FigmaVector? NearestScrollingFrameOffset { get; init; }

    public bool? IsStoredInHistory { get; init; }

    public JsonElement? StateMappings { get; init; }

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }
}

internal sealed class FigmaAnswerValidator : WireValidator<FigmaAnswer>
{
    public FigmaAnswerValidator()
    {
        RuleFor(x => x.PrototypeUrl).WebUrl();
        RuleFor(x => x.FigmaPrototypeTitle).FreeText();
        RuleFor(x => x.FigmaPrototypeDisplaySetting).Label();
    }
}

[JsonSerializable(typeof(FigmaPayload))]
[JsonSerializable(typeof(FigmaInteraction))]
internal sealed partial class FigmaJson : JsonSerializerContext;

internal static class Figma
{
    public static TaskType TaskType { get; } = new TaskType<FigmaAnswer, FigmaPayload>
    {
        V3Type = "FIGMA",
        V3Key = "figma",
        Validator = new FigmaAnswerValidator(),
        Payload = answer => new()
        {
            PrototypeUrl = answer.PrototypeUrl,
            FigmaPrototypeTitle = answer.FigmaPrototypeTitle,
            FigmaPrototypeDisplaySetting = answer.FigmaPrototypeDisplaySetting,
            Outcome = answer.Outcome,
        },
        WithPieces = (payload, pieces) => pieces.Figma is { } run
            ? payload with
            {
                StartNodeId = run.Start?.NodeId,
                EndNodeId = run.End?.NodeId,
                DurationMs = run.LastMs - run.FirstMs,
                InteractionCount = run.Count,
                MisclickCount = run.Misclicks,
                Path = [.. run.Path.Select(step => new FigmaNodeVisit(step.NodeId, step.AtMs))],
                Interactions = [.. run.Interactions.Select(held => held.Json)],
            }
            : payload,
    };
}
