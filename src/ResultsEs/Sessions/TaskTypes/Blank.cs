namespace ResultsEs.Sessions.TaskTypes;

internal sealed record BlankPayload;

internal sealed class Blank : WireValidator<BlankAnswer>
{
    public static TaskType<BlankAnswer, BlankPayload> TaskType { get; } = new("BLANK", "blank", new Blank())
    {
        Payload = _ => new(),
        Mask = static (answer, _) => answer,
    };
}
