using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ResultsEs.Contracts;
using ResultsEs.Ingestion;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Tests.Ingestion;

/// <summary>What holds for every event and every answer there is, also for those added later.</summary>
public sealed class ContractLawTests
{
    public static TheoryData<int> EveryEvent() => [.. Enumerable.Range(0, Everything().Count)];

    [Fact]
    public void Every_event_record_is_in_the_catalogue_under_its_own_name() =>
        Assert.Equal(
            ConcreteSubtypes<StreamEvent>().Select(record => (record, WireType(record.Name))).OrderBy(entry => entry.Item2, StringComparer.Ordinal),
            EventCatalogue.All.Select(type => (type.Record, type.WireType)).OrderBy(entry => entry.WireType, StringComparer.Ordinal));

    /// <summary>A later version's record ends with its number.</summary>
    private static string WireType(string record) =>
        record.LastIndexOf('V') is > 0 and var at && int.TryParse(record.AsSpan(at + 1), System.Globalization.CultureInfo.InvariantCulture, out var version)
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"results.{record[..at]}.v{version}")
            : $"results.{record}.v1";

    [Fact]
    public void Every_answer_record_is_a_task_type() =>
        Assert.Equal(
            ConcreteSubtypes<Answer>().Where(record => record != typeof(UnrecognizedAnswer)).OrderBy(record => record.Name, StringComparer.Ordinal),
            TaskType.All.Select(type => type.AnswerType).OrderBy(record => record.Name, StringComparer.Ordinal));

    [Fact]
    public void Every_task_type_and_no_other_has_an_answer_among_the_builders() =>
        Assert.Equal(TaskType.All.Select(type => type.Name), Answers.All.Keys);

    [Fact]
    public void Every_event_type_is_among_the_builders() =>
        Assert.Equal(
            EventCatalogue.All.Select(type => type.WireType).Order(StringComparer.Ordinal),
            Everything().Select(e => (string)e["type"]!).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Rule 3 and "no translation": reading and writing an event changes nothing, however often.</summary>
    [Theory]
    [MemberData(nameof(EveryEvent))]
    public void What_is_read_is_written_and_read_again_as_it_was(int index)
    {
        var e = Everything()[index].But("data.unheardOf", "{}");
        // UTC has two spellings; ours is the offset's.
        var sent = JsonNode.Parse(e["data"]!.ToJsonString().Replace(".000Z\"", "+00:00\"", StringComparison.Ordinal))!;
        var type = EventCatalogue.Find((string)e["type"]!)!;

        var read = type.Read(Encoding.UTF8.GetBytes(sent.ToJsonString()));
        var written = JsonSerializer.SerializeToNode(read, type.JsonType)!;
        var readAgain = type.Read(Encoding.UTF8.GetBytes(written.ToJsonString()));

        Assert.Equal(sent, written, JsonNode.DeepEquals);
        Assert.Equal(written, JsonSerializer.SerializeToNode(readAgain, type.JsonType), JsonNode.DeepEquals);
    }

    [Theory]
    [MemberData(nameof(EveryEvent))]
    public void Members_that_no_version_knows_survive_at_every_level(int index)
    {
        var e = Everything()[index];
        var sent = JsonNode.Parse(e["data"]!.ToJsonString().Replace(".000Z\"", "+00:00\"", StringComparison.Ordinal))!;
        sent.BringUnknown();
        var type = EventCatalogue.Find((string)e["type"]!)!;

        var read = type.Read(Encoding.UTF8.GetBytes(sent.ToJsonString()));
        Assert.Equal(sent, JsonSerializer.SerializeToNode(read, type.JsonType), JsonNode.DeepEquals);
    }

    private static List<JsonObject> Everything() => [.. A.SessionWithEverything().Events, .. A.ReelWithEverything().Events];

    private static IEnumerable<Type> ConcreteSubtypes<T>() =>
        typeof(T).Assembly.GetTypes().Where(type => type is { IsAbstract: false } && type.IsAssignableTo(typeof(T)));
}
