using FluentValidation.Validators;
using ResultsEs.EventStore;

[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.PayloadJson>]

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// A task type: its answer record, its validator, and how v2 and v3 show it. Each type has its own file.
/// A new one needs its record in Contracts, that file, and a line in <see cref="All"/> and <see cref="PayloadJson"/>.
/// </summary>
internal abstract class TaskType(Type answerType, Type payloadType, string v3Type, string v3Key)
{
    /// <summary>The type that v2 and v3 show of a task whose own type this version does not know.</summary>
    public const string Unrecognized = "UNRECOGNIZED";

    /// <summary>The type that v2 shows of a skipped task. No answer has it.</summary>
    public const string Skipped = "SKIPPED";

    /// <summary>The most bytes that a document keeps of an answer that is a list.</summary>
    public const int MaxListBytes = 128 * 1024;

    /// <summary>The task types that can be answered, in the contract's order.</summary>
    public static IReadOnlyList<TaskType> All { get; } =
    [
        Written.TaskType,
        Verbal.TaskType,
        Url.TaskType,
        Matrix.TaskType,
        Nps.TaskType,
        RatingScale.TaskType,
        MultipleChoice.TaskType,
        RankOrder.TaskType,
        Blank.TaskType,
        Image.TaskType,
        Figma.TaskType,
    ];

    private static readonly FrozenDictionary<string, TaskType> ByName =
        All.ToFrozenDictionary(type => type.Name, StringComparer.Ordinal);

    /// <summary>The type on the wire and in v2, such as <c>VERBAL</c>.</summary>
    public string Name { get; } = AnswerTypes.NameOf(answerType);

    /// <summary>The type in v3, such as <c>WRITTEN</c>.</summary>
    public string V3Type { get; } = v3Type;

    /// <summary>The one key of the answer object in v3, such as <c>written</c>.</summary>
    public string V3Key { get; } = v3Key;

    public Type AnswerType { get; } = answerType;

    /// <summary>The record that v2 and v3 show of an answer.</summary>
    public Type PayloadType { get; } = payloadType;

    /// <summary>The most bytes that a document keeps of an answer, where lists would make it larger; null where texts bound it.</summary>
    public int? MaxBytes { get; init; }

    /// <summary>The task type with a name; null when this version does not know it.</summary>
    public static TaskType? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The type by which lists find a task: its own, or <see cref="Unrecognized"/> when this version does not know it.</summary>
    public static string ListedAs(string name) => Find(name)?.Name ?? Unrecognized;

    /// <summary>The types of a session's tasks for lists to filter by, with <see cref="Skipped"/> when one was skipped.</summary>
    public static string Set(IEnumerable<TaskFold> tasks)
    {
        var types = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var task in tasks.Where(task => task.Settled is not null))
        {
            types.Add(ListedAs(task.Type!));
            if (task.Reason is not null)
                types.Add(Skipped);
        }

        return types.Count == 0 ? "" : $"|{string.Join('|', types)}|";
    }

    /// <summary>True when <paramref name="set"/>, made by <see cref="Set"/>, holds a type.</summary>
    public static bool Holds(string set, string type) => set.Contains($"|{type}|", StringComparison.Ordinal);

    /// <summary>True when an answer is not larger than a document keeps.</summary>
    public bool Fits(Answer answer) => MaxBytes is null || Write(answer).Length <= MaxBytes;

    /// <summary>Writes the payload of the answer alone.</summary>
    protected abstract byte[] Write(Answer answer);

    /// <summary>The payload that v2 and v3 show of an answer.</summary>
    public abstract JsonElement Show(Answer answer);

    /// <summary>The payload, completed from other events about the task. Idempotent.</summary>
    public abstract JsonElement Complete(JsonElement payload, TaskPieces pieces);

    /// <summary>The answer without personal data: numbers, choices and codes stay.</summary>
    public abstract Answer Masked(Answer answer, Masking masking);

    public abstract void AddRules(PolymorphicValidator<TaskAnswered, Answer> rules);
}

/// <summary>A task type whose answer is a <typeparamref name="TAnswer"/>, shown as a <typeparamref name="TPayload"/>.</summary>
internal sealed class TaskType<TAnswer, TPayload>(string v3Type, string v3Key, IValidator<TAnswer> validator)
    : TaskType(typeof(TAnswer), typeof(TPayload), v3Type, v3Key)
    where TAnswer : Answer
    where TPayload : class
{
    /// <summary>Makes the payload of the answer alone.</summary>
    public required Func<TAnswer, TPayload> Payload { get; init; }

    /// <summary>Completes the payload from the task's other pieces; null when no other event concerns this type.</summary>
    public Func<TPayload, TaskPieces, TPayload>? WithPieces { get; init; }

    protected override byte[] Write(Answer answer) =>
        JsonSerializer.SerializeToUtf8Bytes(Payload((TAnswer)answer), Json.Shown<TPayload>());

    /// <summary>Takes the personal data out of an answer.</summary>
    public required Func<TAnswer, Masking, TAnswer> Mask { get; init; }

    public override JsonElement Show(Answer answer) =>
        JsonSerializer.SerializeToElement(Payload((TAnswer)answer), Json.Shown<TPayload>());

    public override JsonElement Complete(JsonElement payload, TaskPieces pieces) =>
        WithPieces is null
            ? payload
            : JsonSerializer.SerializeToElement(WithPieces(payload.Deserialize(Json.Of<TPayload>())!, pieces), Json.Shown<TPayload>());

    public override Answer Masked(Answer answer, Masking masking) => Mask((TAnswer)answer, masking);

    public override void AddRules(PolymorphicValidator<TaskAnswered, Answer> rules) => rules.Add(validator);
}

[JsonSerializable(typeof(WrittenPayload))]
[JsonSerializable(typeof(VerbalPayload))]
[JsonSerializable(typeof(UrlPayload))]
[JsonSerializable(typeof(MatrixPayload))]
[JsonSerializable(typeof(NpsPayload))]
[JsonSerializable(typeof(RatingScalePayload))]
[JsonSerializable(typeof(MultipleChoicePayload))]
[JsonSerializable(typeof(RankOrderPayload))]
[JsonSerializable(typeof(BlankPayload))]
[JsonSerializable(typeof(ImagePayload))]
[JsonSerializable(typeof(FigmaPayload))]
internal sealed partial class PayloadJson : JsonSerializerContext;
