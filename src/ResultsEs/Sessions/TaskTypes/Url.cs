using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record UrlPayload(string Url, TaskOutcome Outcome, string? FinalUrl, IReadOnlyList<UrlVisit>? Visits);

internal sealed class Url : WireValidator<UrlAnswer>
{
    public static TaskType<UrlAnswer, UrlPayload> TaskType { get; } = new("URL", "url", new Url())
    {
        Payload = answer => new(answer.Url, answer.Outcome, answer.FinalUrl, answer.Visits),
        MaxBytes = TaskTypes.TaskType.MaxListBytes,
        Mask = static (answer, _) => answer with { Url = Masking.Url, FinalUrl = null, Visits = null },
    };

    public Url()
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
