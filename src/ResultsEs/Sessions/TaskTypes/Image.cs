[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.ImageJson>]

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record ImagePayload(string ImageUrl, IReadOnlyList<ImageAnnotation> Annotations);

internal sealed class ImageAnswerValidator : WireValidator<ImageAnswer>
{
    public ImageAnswerValidator()
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

[JsonSerializable(typeof(ImagePayload))]
internal sealed partial class ImageJson : JsonSerializerContext;

internal static class Image
{
    public static TaskType TaskType { get; } = new TaskType<ImageAnswer, ImagePayload>
    {
        V3Type = "IMAGE",
        V3Key = "image",
        Validator = new ImageAnswerValidator(),
        Payload = answer => new(answer.ImageUrl, answer.Annotations),
    };
}
