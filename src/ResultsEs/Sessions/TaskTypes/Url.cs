[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.UrlJson>]

namespace ResultsEs.Sessions.TaskTypes;

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

[JsonSerializable(typeof(UrlPayload))]
internal sealed partial class UrlJson : JsonSerializerContext;

internal static class Url
{
    public static TaskType TaskType { get; } = new TaskType<UrlAnswer, UrlPayload>
    {
        V3Type = "URL",
        V3Key = "url",
        Validator = new UrlAnswerValidator(),
        Payload = answer => new(answer.Url, answer.Outcome, answer.FinalUrl, answer.Visits),
    };
}
