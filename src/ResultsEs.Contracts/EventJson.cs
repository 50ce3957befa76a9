using System.Text.Encodings.Web;

namespace ResultsEs.Contracts;

/// <summary>The JSON format in which events are sent and stored.</summary>
public static class EventJson
{
    /// <summary>The deepest nesting of an event, its own braces included.</summary>
    public const int MaxDepth = 32;

    /// <summary>The read-only options that write and read all records of this package.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            // Events are parsed as JSON and never pasted into a page, so & and non-ASCII letters need no escapes.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            RespectNullableAnnotations = true,
            AllowDuplicateProperties = false,
            MaxDepth = MaxDepth,
            Converters =
            {
                new TimestampConverter(),
                new ExactDecimalConverter(),
                new WholeNumberConverter<int>(),
                new WholeNumberConverter<long>(),
            },
            TypeInfoResolver = EventJsonContext.Default,
        };
        options.MakeReadOnly();
        return options;
    }
}

/// <summary>The source-generated JSON contracts of events and answers.</summary>
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(ParticipantProfiled))]
[JsonSerializable(typeof(TaskAnswered))]
[JsonSerializable(typeof(TaskSkipped))]
[JsonSerializable(typeof(FigmaInteractionRecorded))]
[JsonSerializable(typeof(VerbalResponseTranscribed))]
[JsonSerializable(typeof(TaskGroupScored))]
[JsonSerializable(typeof(ComparisonSequenced))]
[JsonSerializable(typeof(SessionTranscribed))]
[JsonSerializable(typeof(SessionCompleted))]
[JsonSerializable(typeof(SessionAbandoned))]
[JsonSerializable(typeof(SessionAbandonedV2))]
[JsonSerializable(typeof(SessionResumed))]
[JsonSerializable(typeof(VideoRecorded))]
[JsonSerializable(typeof(ClipCreated))]
[JsonSerializable(typeof(ClipGenerated))]
[JsonSerializable(typeof(ClipFailed))]
[JsonSerializable(typeof(ClipDeleted))]
[JsonSerializable(typeof(HighlightReelPublished))]
[JsonSerializable(typeof(HighlightReelGenerated))]
[JsonSerializable(typeof(HighlightReelFailed))]
[JsonSerializable(typeof(HighlightReelDeleted))]
[JsonSerializable(typeof(TestDefined))]
[JsonSerializable(typeof(WrittenAnswer))]
[JsonSerializable(typeof(VerbalAnswer))]
[JsonSerializable(typeof(UrlAnswer))]
[JsonSerializable(typeof(MatrixAnswer))]
[JsonSerializable(typeof(NpsAnswer))]
[JsonSerializable(typeof(RatingScaleAnswer))]
[JsonSerializable(typeof(MultipleChoiceAnswer))]
[JsonSerializable(typeof(RankOrderAnswer))]
[JsonSerializable(typeof(BlankAnswer))]
[JsonSerializable(typeof(ImageAnswer))]
[JsonSerializable(typeof(FigmaAnswer))]
[JsonSerializable(typeof(UnrecognizedAnswer))]
internal sealed partial class EventJsonContext : JsonSerializerContext;
