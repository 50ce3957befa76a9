namespace ResultsEs.Sessions;

internal sealed class VideoRecordedValidator : WireValidator<VideoRecorded>
{
    public VideoRecordedValidator()
    {
        RuleFor(x => x.VideoId).Uuid();
        RuleFor(x => x.ObjectKey).ObjectKey();
        When(x => x.Regions is not null, () =>
        {
            RuleFor(x => x.Regions!.Screen).SetValidator(new VideoRegionValidator()!);
            RuleFor(x => x.Regions!.Camera).SetValidator(new VideoRegionValidator()!);
        });
    }
}

internal sealed class VideoRegionValidator : WireValidator<VideoRegion>
{
    public VideoRegionValidator()
    {
        RuleFor(x => x.TopLeftPoint.X).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more pixels, not {PropertyValue}");
        RuleFor(x => x.TopLeftPoint.Y).GreaterThanOrEqualTo(0).WithMessage("must be 0 or more pixels, not {PropertyValue}");
        RuleFor(x => x.WidthPx).GreaterThan(0).WithMessage("must be 1 or more pixels, not {PropertyValue}");
        RuleFor(x => x.HeightPx).GreaterThan(0).WithMessage("must be 1 or more pixels, not {PropertyValue}");
    }
}

internal sealed class ClipCreatedValidator : WireValidator<ClipCreated>
{
    public ClipCreatedValidator()
    {
        RuleFor(x => x.ClipId).Uuid();
        RuleFor(x => x.Name).Label();
        RuleFor(x => x.Description).FreeText();
        RuleFor(x => x.TimeStartMs).Offset();
        RuleFor(x => x.TimeEndMs).Must((clip, end) => end > clip.TimeStartMs).WithMessage("must be after timeStartMs");
        RuleFor(x => x.VideoId).Uuid();
    }
}

internal sealed class ClipGeneratedValidator : WireValidator<ClipGenerated>
{
    public ClipGeneratedValidator()
    {
        RuleFor(x => x.ClipId).Uuid();
        RuleFor(x => x.ObjectKey).ObjectKey();
    }
}

internal sealed class ClipFailedValidator : WireValidator<ClipFailed>
{
    public ClipFailedValidator()
    {
        RuleFor(x => x.ClipId).Uuid();
        RuleFor(x => x.Reason).FreeText();
    }
}

internal sealed class ClipDeletedValidator : WireValidator<ClipDeleted>
{
    public ClipDeletedValidator() => RuleFor(x => x.ClipId).Uuid();
}

internal static class MediaRules
{
    private const int MaxKey = 500;
    private const string KeyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!()/";

    /// <summary>
    /// The key of an object, which cannot leave its folder. 1–500 letters, digits and <c>- _ . ! ( )</c>, with <c>/</c> between names.
    /// No name is empty, <c>.</c> or <c>..</c>, because file-based stores and proxies resolve dots.
    /// </summary>
    public static IRuleBuilderOptions<T, string> ObjectKey<T>(this IRuleBuilder<T, string> rule) =>
        rule.Must(IsKey)
            .WithMessage("must be 1 to 500 letters, digits and - _ . ! ( ), with / between names that are not empty, . or ..");

    private static bool IsKey(string key) =>
        key.Length <= MaxKey
        && !key.AsSpan().ContainsAnyExcept(KeyCharacters)
        && key.Split('/').All(name => name is not ("" or "." or ".."));
}
