using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Validators;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.TestResults;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>
/// What a task type is: its answer record, JSON context, validator, and how it shows in v2 and v3. Each type has a
/// file of its own; adding one means that file and its line in <see cref="All"/>.
/// </summary>
internal abstract class TaskType
{
    /// <summary>v3's type of a task that this version does not know, and v2's.</summary>
    public const string Unrecognized = "UNRECOGNIZED";

    /// <summary>v2's type of a skipped task. No answer has it.</summary>
    public const string Skipped = "SKIPPED";

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
    public required string Name { get; init; }

    /// <summary>The type in v3, such as <c>WRITTEN</c>.</summary>
    public required string V3Type { get; init; }

    /// <summary>The one key of the answer object in v3, such as <c>written</c>.</summary>
    public required string V3Key { get; init; }

    /// <summary>The answer record.</summary>
    public abstract Type AnswerType { get; }

    /// <summary>The record of what v2 and v3 show of it.</summary>
    public abstract Type PayloadType { get; }

    /// <summary>The source-generated JSON contracts of the answer and of what is shown of it.</summary>
    public required JsonSerializerContext Context { get; init; }

    /// <summary>The answer's JSON contract.</summary>
    public abstract JsonTypeInfo AnswerJson { get; }

    /// <summary>The task type with this name, or null when this version does not know it.</summary>
    public static TaskType? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The type by which lists find a task of the type <paramref name="name"/>: its own, or <see cref="Unrecognized"/> where this version does not know it.</summary>
    public static string ListedAs(string name) => Find(name)?.Name ?? Unrecognized;

    /// <summary>The types of a session's tasks, as lists filter by them (<see cref="ListedAs"/>), and <see cref="Skipped"/> when one was skipped.</summary>
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

    /// <summary>Whether <paramref name="set"/>, which <see cref="Set"/> made, holds a type.</summary>
    public static bool Holds(string set, string type) => set.Contains($"|{type}|", StringComparison.Ordinal);

    /// <summary>The payload that v2 and v3 show of an answer.</summary>
    public abstract JsonElement Show(Answer answer);

    /// <summary>The payload with what other events have told about the task. Idempotent.</summary>
    public abstract JsonElement Complete(JsonElement payload, TaskPieces pieces);

    /// <summary>Adds the answer's rules to those of the event that carries it.</summary>
    public abstract void AddRules(PolymorphicValidator<TaskAnswered, Answer> rules);
}

/// <summary>A task type whose answer is a <typeparamref name="TAnswer"/>.</summary>
/// <typeparam name="TAnswer">The answer record.</typeparam>
/// <typeparam name="TPayload">What v2 and v3 show of it.</typeparam>
internal sealed class TaskType<TAnswer, TPayload> : TaskType
    where TAnswer : Answer
    where TPayload : class
{
    /// <inheritdoc/>
    public override Type AnswerType => typeof(TAnswer);

    /// <inheritdoc/>
    public override Type PayloadType => typeof(TPayload);

    /// <summary>The rules of the answer.</summary>
    public required IValidator<TAnswer> Validator { get; init; }

    /// <summary>What v2 and v3 show of the answer alone.</summary>
    public required Func<TAnswer, TPayload> Payload { get; init; }

    /// <summary>What the other pieces of the task change in it; absent where no other event tells about such tasks.</summary>
    public Func<TPayload, TaskPieces, TPayload>? WithPieces { get; init; }

    /// <inheritdoc/>
    public override JsonTypeInfo AnswerJson => Json.Of<TAnswer>();

    /// <inheritdoc/>
    public override JsonElement Show(Answer answer) =>
        JsonSerializer.SerializeToElement(Payload((TAnswer)answer), Json.Shown<TPayload>());

    /// <inheritdoc/>
    public override JsonElement Complete(JsonElement payload, TaskPieces pieces) =>
        WithPieces is null
            ? payload
            : JsonSerializer.SerializeToElement(WithPieces(payload.Deserialize(Json.Of<TPayload>())!, pieces), Json.Shown<TPayload>());

    /// <inheritdoc/>
    public override void AddRules(PolymorphicValidator<TaskAnswered, Answer> rules) => rules.Add(Validator);
}
