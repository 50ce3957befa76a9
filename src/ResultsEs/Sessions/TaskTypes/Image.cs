using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record ImagePayload(string ImageUrl, IReadOnlyList<ImageAnnotation> Annotations);

internal sealed class Image : WireValidator<ImageAnswer>
{
    public static TaskType<ImageAnswer, ImagePayload> TaskType { get; } = new("IMAGE", "image", new Image())
    {
        Payload = answer => new(answer.ImageUrl, answer.Annotations),
        MaxBytes = TaskTypes.TaskType.MaxListBytes,
        Mask = static (answer, _) => answer with { ImageUrl = Masking.Url, Annotations = [] },
    };

    public Image()
    {
        RuleFor(x => x.ImageUrl).WebUrl();
        RuleForEach(x => x.Annotations).ChildRules(annotation =>
        {
            annotation.RuleFor(x => x.X).Fraction();
            annotation.RuleFor(x => x.Y).Fraction();
            annotation.RuleFor(x => x.Width).Fraction();
            annotation.RuleFor(x => x.Height).Fraction();
            annotation.RuleFor(x => x.Comment).FreeText();
        });
    }
}
