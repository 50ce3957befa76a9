using JasperFx;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

[assembly: JsonContext<ResultsEs.TestResults.StudiesJson>]

namespace ResultsEs.TestResults;

/// <summary>The stored document of a test: what the latest <see cref="TestDefined"/> says, in the words in which it is served.</summary>
internal sealed record TestDefinition : PlacedDocument, ILongVersioned
{
    /// <summary>The name of the document and of the streams that fold into it.</summary>
    public const string Alias = "test_definition";

    /// <summary>The test's id, which is also its stream's.</summary>
    public required Guid Id { get; init; }

    /// <summary>The version of the stream that the stored document holds. A column that Marten reads and writes.</summary>
    [JsonIgnore]
    public long Version { get; set; }

    /// <summary>The event that defines the test; null until it arrives, and so are the others.</summary>
    public EventOrder? Defined { get; init; }

    public Guid? WorkspaceId { get; init; }

    [JsonIgnore]
    public override Guid? Workspace => WorkspaceId;

    public string? Title { get; init; }

    public ProductType? ProductType { get; init; }

    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? OrderedAt { get; init; }

    public StudyOrderer? OrderedBy { get; init; }

    public StudyTestPlan? TestPlan { get; init; }

    /// <summary>Ordered by position; within one as in the event.</summary>
    public IReadOnlyList<StudyTask> Tasks { get; init; } = [];
}

/// <summary>A test during a fold. One call of <see cref="TestDefinitionFold.Fold"/> owns it.</summary>
internal sealed class TestDefinitionDraft
{
    public required TestDefinition Test { get; set; }
}

/// <summary>The fold of a test's events into its document: pure, total and order-free, as <see cref="SessionResultFold"/>.</summary>
internal static class TestDefinitionFold
{
    /// <summary>Folds <paramref name="events"/> into the document. Each of them must be new to it.</summary>
    public static TestDefinition Fold(Guid testId, TestDefinition? before, IEnumerable<RecordedEvent> events)
    {
        var draft = new TestDefinitionDraft { Test = before ?? new TestDefinition { Id = testId } };
        foreach (var (stamp, data, _) in events)
            TestDefinitionEventTypes.Of(data).Fold(draft, stamp, data);
        return draft.Test;
    }

    public static void Defined(TestDefinitionDraft draft, EventOrder stamp, TestDefined e)
    {
        if (!stamp.IsAfter(draft.Test.Defined))
            return;

        draft.Test = draft.Test with
        {
            Defined = stamp,
            WorkspaceId = e.WorkspaceId,
            Title = e.Title,
            ProductType = e.ProductType,
            OrderedAt = SessionResultFold.UtcMilliseconds(e.OrderedAt),
            OrderedBy = e.OrderedBy is { } orderer ? new StudyOrderer(orderer.Name, orderer.Email) : null,
            TestPlan = e.TestPlan is { } plan ? new StudyTestPlan(plan.ShortTest) : null,
            Tasks = [.. e.Tasks.OrderBy(task => task.Position).Select(StudyTask.Of)],
        };
    }
}

[JsonSerializable(typeof(TestDefinition))]
[JsonSerializable(typeof(IReadOnlyList<Workspace>))]
[JsonSerializable(typeof(IReadOnlyList<WorkspaceStudy>))]
[JsonSerializable(typeof(Study))]
internal sealed partial class StudiesJson : JsonSerializerContext;
