using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>How a navigation or prototype task ended.</summary>
public enum TaskOutcome
{
    /// <summary><c>UNKNOWN</c></summary>
    Unknown,

    /// <summary><c>SUCCESS</c></summary>
    Success,

    /// <summary><c>FAILURE</c></summary>
    Failure,
}

/// <summary>URL: a navigation task.</summary>
public sealed record UrlAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "URL";

    /// <summary>Where the task began.</summary>
    public required string Url { get; init; }

    /// <summary>Whether the participant arrived.</summary>
    public required TaskOutcome Outcome { get; init; }

    /// <summary>Where the participant ended.</summary>
    public string? FinalUrl { get; init; }

    /// <summary>The pages on the way.</summary>
    public IReadOnlyList<UrlVisit>? Visits { get; init; }
}

/// <summary>A page the participant visited.</summary>
public sealed record UrlVisit : EventPart
{
    /// <summary>The page.</summary>
    public required string Url { get; init; }

    /// <summary>When, milliseconds since the session's start.</summary>
    public required long AtMs { get; init; }
}

internal sealed record UrlPayload(string Url, TaskOutcome Outcome, string? FinalUrl, IReadOnlyList<UrlVisit>? Visits);

internal sealed class UrlAnswerValidator : WireValidator<UrlAnswer>
{
    public UrlAnswerValidator()
    {
        RuleFor(x => x.Url).AbsoluteUrl();
        RuleFor(x => x.FinalUrl).AbsoluteUrl();
        RuleForEach(x => x.Visits).ChildRules(visit =>
        {
            visit.RuleFor(x => x.Url).AbsoluteUrl();
            visit.RuleFor(x => x.AtMs).Offset();
        });
    }
}

[JsonSerializable(typeof(UrlAnswer))]
[JsonSerializable(typeof(UrlPayload))]
internal sealed partial class UrlJson : JsonSerializerContext;

internal static class Url
{
    public static TaskType TaskType { get; } = new TaskType<UrlAnswer, UrlPayload>
    {
        Name = "URL",
        V3Type = "URL",
        V3Key = "url",
        Context = UrlJson.Default,
        Validator = new UrlAnswerValidator(),
        Payload = answer => new(answer.Url, answer.Outcome, answer.FinalUrl, answer.Visits),
    };
}
