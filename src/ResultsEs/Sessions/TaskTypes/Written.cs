using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record WrittenPayload(string Text);

internal sealed class Written : WireValidator<WrittenAnswer>
{
    public static TaskType<WrittenAnswer, WrittenPayload> TaskType { get; } = new("WRITTEN", "written", new Written())
    {
        Payload = answer => new(answer.Text),
        Mask = static (answer, _) => answer with { Text = Masking.Text },
    };

    public Written() => RuleFor(x => x.Text).FreeText();
}
