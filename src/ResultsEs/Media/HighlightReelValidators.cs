using ResultsEs.Sessions;

namespace ResultsEs.Media;

internal sealed class HighlightReelPublishedValidator : WireValidator<HighlightReelPublished>
{
    public HighlightReelPublishedValidator()
    {
        RuleFor(x => x.WorkspaceId).Uuid();
        RuleFor(x => x.TestId).Uuid();
        RuleFor(x => x.Name).Label();
        RuleFor(x => x.DurationMs).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more milliseconds, not {PropertyValue}");
        RuleFor(x => x.ClipIds)
            .Must(ids => ids.Count <= SessionMedia.MaxClips).WithMessage("must have at most 1,000 clips");
        RuleForEach(x => x.ClipIds).Uuid();
    }
}

internal sealed class HighlightReelGeneratedValidator : WireValidator<HighlightReelGenerated>
{
    public HighlightReelGeneratedValidator() => RuleFor(x => x.ObjectKey).ObjectKey();
}

internal sealed class HighlightReelFailedValidator : WireValidator<HighlightReelFailed>
{
    public HighlightReelFailedValidator() => RuleFor(x => x.Reason).FreeText();
}

internal sealed class HighlightReelDeletedValidator : WireValidator<HighlightReelDeleted>;
