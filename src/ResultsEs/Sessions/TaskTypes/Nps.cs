namespace ResultsEs.Sessions.TaskTypes;

internal sealed record NpsPayload(int Score, string Category);

internal sealed class Nps : WireValidator<NpsAnswer>
{
    public static TaskType<NpsAnswer, NpsPayload> TaskType { get; } = new("NPS", "nps", new Nps())
    {
        Payload = answer => new(answer.Score, Category(answer.Score)),
        Mask = static (answer, _) => answer,
    };

    public const string Promoter = "PROMOTER";
    public const string Passive = "PASSIVE";
    public const string Detractor = "DETRACTOR";

    public Nps() =>
        RuleFor(x => x.Score).InclusiveBetween(0, 10).WithMessage("must be a whole number from 0 to 10, not {PropertyValue}");

    /// <summary>The three groups of the Net Promoter Score: 0–6, 7–8, 9–10.</summary>
    public static string Category(int score) => score switch
    {
        <= 6 => Detractor,
        <= 8 => Passive,
        _ => Promoter,
    };
}
