using System.Text.Json.Serialization;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>IMAGE: annotations on an image.</summary>
public sealed record ImageAnswer : Answer
{
    /// <inheritdoc/>
    public override string Type => "IMAGE";

    /// <summary>The image.</summary>
    public required string ImageUrl { get; init; }

    /// <summary>The annotations in the order made.</summary>
    public required IReadOnlyList<ImageAnnotation> Annotations { get; init; }
}

/// <summary>A mark on an image; positions and sizes are fractions (0–1) of the image's width and height.</summary>
public sealed record ImageAnnotation : EventPart
{
    /// <summary>From the left, 0–1.</summary>
    public required decimal X { get; init; }

    /// <summary>From the top, 0–1.</summary>
    public required decimal Y { get; init; }

    /// <summary>0–1.</summary>
    public decimal? Width { get; init; }

    /// <summary>0–1.</summary>
    public decimal? Height { get; init; }

    /// <summary>What the participant remarked.</summary>
    public string? Comment { get; init; }
}

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

[JsonSerializable(typeof(ImageAnswer))]
[JsonSerializable(typeof(ImagePayload))]
internal sealed partial class ImageJson : JsonSerializerContext;

internal static class Image
{
    public static TaskType TaskType { get; } = new TaskType<ImageAnswer, ImagePayload>
    {
        Name = "IMAGE",
        V3Type = "IMAGE",
        V3Key = "image",
        Context = ImageJson.Default,
        Validator = new ImageAnswerValidator(),
        Payload = answer => new(answer.ImageUrl, answer.Annotations),
    };
}
