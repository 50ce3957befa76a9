using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.TestResults;

internal sealed class TestDefinedValidator : WireValidator<TestDefined>
{
    private const int MaxTasks = 1_000;

    public TestDefinedValidator()
    {
        RuleFor(x => x.WorkspaceId).Uuid();
        // A blank title would be one that nobody sees.
        RuleFor(x => x.Title)
            .Must(title => title.Length <= 1_000 && !string.IsNullOrWhiteSpace(title))
            .WithMessage("must have 1 to 1,000 characters, and not blanks alone");
        RuleFor(x => x.OrderedBy!.Name).Label().When(x => x.OrderedBy is not null);
        RuleFor(x => x.OrderedBy!.Email).Label().When(x => x.OrderedBy is not null);
        RuleFor(x => x.Tasks)
            .Must(tasks => tasks.Count <= MaxTasks).WithMessage("must have at most 1,000 tasks")
            .Must(tasks => tasks.Select(task => task.TaskId).OfType<Guid>().GroupBy(id => id).All(same => same.Count() == 1))
            .WithMessage("must have distinct task ids");
        RuleForEach(x => x.Tasks).SetValidator(new DefinedTaskValidator());
    }
}

internal sealed class DefinedTaskValidator : WireValidator<DefinedTask>
{
    public DefinedTaskValidator()
    {
        RuleFor(x => x.TaskId).Uuid();
        RuleFor(x => x.Position).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more, not {PropertyValue}");
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.Type).ShortId().NotEqual(TaskType.Skipped).WithMessage("must be the task's own type, not SKIPPED");
        RuleForEach(x => x.Choices).FreeText();
        RuleFor(x => x.LaunchUrl).AbsoluteUrl();
        When(x => x.Scale is not null, () =>
        {
            RuleFor(x => x.Scale!.Max).Must((task, max) => max > task.Scale!.Min).WithMessage("must be above min");
            RuleFor(x => x.Scale!.MinLabel).Label();
            RuleFor(x => x.Scale!.MaxLabel).Label();
        });
        When(x => x.TaskGroup is not null, () =>
        {
            RuleFor(x => x.TaskGroup!.Id).Uuid();
            RuleFor(x => x.TaskGroup!.Type).ShortId();
        });
    }
}
