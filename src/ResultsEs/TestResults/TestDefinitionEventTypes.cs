using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>The events of tests: wire type, record, validator and fold of each.</summary>
internal static class TestDefinitionEventTypes
{
    public static IReadOnlyList<EventType<TestDefinitionDraft>> All { get; } =
    [
        Event<TestDefined>(new TestDefinedValidator(), TestDefinitionFold.Defined),
    ];

    private static readonly FrozenDictionary<Type, EventType<TestDefinitionDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    public static EventType<TestDefinitionDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<TestDefinitionDraft, T> Event<T>(IValidator<T> validator, Action<TestDefinitionDraft, EventOrder, T> fold)
        where T : TestEvent =>
        // A test is no participant's.
        new(TestDefinition.Alias, validator, fold, static (e, _) => e);
}
