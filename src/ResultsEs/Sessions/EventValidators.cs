using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

internal sealed class SessionStartedValidator : WireValidator<SessionStarted>
{
    public SessionStartedValidator()
    {
        RuleFor(x => x.WorkspaceId).Uuid();
        RuleFor(x => x.TestId).Uuid();
        RuleFor(x => x.TestPlanId).Uuid();
        RuleFor(x => x.AudienceId).Uuid();
    }
}

internal sealed class ParticipantProfiledValidator : WireValidator<ParticipantProfiled>
{
    private const int MaxDemographics = 1_000;

    public ParticipantProfiledValidator()
    {
        RuleFor(x => x.ParticipantId).Uuid();
        RuleFor(x => x.Demographics)
            .Must(demographics => demographics.Count <= MaxDemographics).WithMessage("must have at most 1,000 items");
        RuleForEach(x => x.Demographics).ChildRules(demographic =>
        {
            demographic.RuleFor(x => x.Id).ShortId();
            demographic.RuleFor(x => x.Code).ShortId();
            demographic.RuleFor(x => x.Label).FreeText();
            demographic.RuleFor(x => x.Value).FreeText();
        });
    }
}

internal sealed class TaskAnsweredValidator : WireValidator<TaskAnswered>
{
    public TaskAnsweredValidator()
    {
        RuleFor(x => x.TaskId).Uuid();
        RuleFor(x => x.Position).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more, not {PropertyValue}");
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.StartTimeMs).Offset();
        RuleFor(x => x.EndTimeMs).NotBefore(x => x.StartTimeMs, "startTimeMs");
        RuleFor(x => x.Corrects).Uuid();
        RuleFor(x => x.Answer)
            .Must(answer => TaskType.Find(answer.Type)?.Fits(answer) != false)
            .WithMessage($"must have at most {TaskType.MaxListBytes} bytes as shown");
        RuleFor(x => x.Answer).SetInheritanceValidator(rules =>
        {
            foreach (var type in TaskType.All)
                type.AddRules(rules);
            rules.Add(new UnrecognizedAnswerValidator());
        });
    }
}

internal sealed class UnrecognizedAnswerValidator : WireValidator<UnrecognizedAnswer>
{
    public UnrecognizedAnswerValidator() =>
        RuleFor(x => x.Type)
            .ShortId()
            .NotEqual(TaskType.Skipped).WithMessage("must not be SKIPPED; a skipped task is a TaskSkipped event");
}

internal sealed class TaskSkippedValidator : WireValidator<TaskSkipped>
{
    public TaskSkippedValidator()
    {
        RuleFor(x => x.TaskId).Uuid();
        RuleFor(x => x.Position).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more, not {PropertyValue}");
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.TaskType).ShortId().NotEqual(TaskType.Skipped).WithMessage("must be the task's own type, not SKIPPED");
        RuleFor(x => x.StartTimeMs).Offset();
        RuleFor(x => x.EndTimeMs).NotBefore(x => x.StartTimeMs, "startTimeMs");
    }
}

internal sealed class FigmaInteractionRecordedValidator : WireValidator<FigmaInteractionRecorded>
{
    public FigmaInteractionRecordedValidator()
    {
        RuleFor(x => x.TaskId).Uuid();
        RuleFor(x => x.AtMs).Offset();
        RuleFor(x => x.Kind).ShortId();
        RuleFor(x => x.PresentedNodeId).ShortId();
        RuleFor(x => x.TargetNodeId).ShortId();
        RuleFor(x => x.NearestScrollingFrameId).ShortId();
    }
}

internal sealed class VerbalResponseTranscribedValidator : WireValidator<VerbalResponseTranscribed>
{
    public VerbalResponseTranscribedValidator()
    {
        RuleFor(x => x.TaskId).Uuid();
        RuleFor(x => x.AnswerId).Uuid();
        RuleFor(x => x.Text).FreeText();
        RuleFor(x => x.Language).Label();
        RuleForEach(x => x.Cues).SetValidator(new CueValidator());
    }
}

internal sealed class TaskGroupScoredValidator : WireValidator<TaskGroupScored>
{
    /// <summary>The most behavioural values of a score. It has one for each behavioural task of its group, and no plan so many.</summary>
    public const int MaxBehavioralValues = 100;

    public TaskGroupScoredValidator()
    {
        RuleFor(x => x.TaskGroupId).Uuid();
        RuleFor(x => x.Label).Label();
        RuleFor(x => x.Score).Score();
        RuleFor(x => x.Components.Behavioral).Score();
        RuleFor(x => x.Components.Attitudinal).Score();
        RuleFor(x => x.Values.Behavioral).Must(values => values is null || values.Count <= MaxBehavioralValues)
            .WithMessage($"must have at most {MaxBehavioralValues} items");
        RuleForEach(x => x.Values.Behavioral).Score();
        RuleFor(x => x.Values.Usability).Score();
        RuleFor(x => x.Values.Trust).Score();
        RuleFor(x => x.Values.Appearance).Score();
        RuleFor(x => x.Values.Loyalty).Score();
    }
}

internal sealed class ComparisonSequencedValidator : WireValidator<ComparisonSequenced>
{
    public ComparisonSequencedValidator()
    {
        RuleFor(x => x.TaskGroupId).Uuid();
        RuleFor(x => x.Sequence).Matches(@"\A[A-Z0-9]{1,100}\z").WithMessage("must be 1 to 100 of A–Z and 0–9, such as BA");
    }
}

internal sealed class SessionTranscribedValidator : WireValidator<SessionTranscribed>
{
    public SessionTranscribedValidator()
    {
        RuleFor(x => x.Language).Label();
        RuleForEach(x => x.Cues).ChildRules(cue =>
        {
            cue.RuleFor(x => x.StartMs).Offset();
            cue.RuleFor(x => x.EndMs).NotBefore(x => x.StartMs, "startMs");
            cue.RuleFor(x => x.Speaker).Label();
            cue.RuleFor(x => x.Text).FreeText();
        });
    }
}

internal sealed class SessionCompletedValidator : WireValidator<SessionCompleted>;

internal sealed class SessionAbandonedValidator : WireValidator<SessionAbandoned>
{
    public SessionAbandonedValidator() => RuleFor(x => x.Reason).FreeText();
}

internal sealed class SessionAbandonedV2Validator : WireValidator<SessionAbandonedV2>
{
    public SessionAbandonedV2Validator() => RuleFor(x => x.Note).FreeText();
}

internal sealed class SessionResumedValidator : WireValidator<SessionResumed>;
