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

    /// <summary>What a recorder in .NET makes of the same records.</summary>
    [Theory]
    [MemberData(nameof(EveryEvent))]
    public void A_CloudEvent_is_read_as_it_was_written(int index)
    {
        var e = Everything()[index];
        var type = EventCatalogue.Find((string)e["type"]!)!;
        var sent = new CloudEvent
        {
            Id = Guid.Parse((string)e["id"]!),
            Source = (string)e["source"]!,
            Subject = Guid.Parse((string)e["subject"]!),
            Time = DateTimeOffset.Parse((string)e["time"]!, System.Globalization.CultureInfo.InvariantCulture),
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Data = type.Read(Encoding.UTF8.GetBytes(e["data"]!.ToJsonString())),
        };

        foreach (var (body, shape) in new[] { (sent.ToJson(), CloudEventShapes.Single), (CloudEvent.ToJson([sent]), CloudEventShapes.Batch) })
        {
            var read = Assert.Single(CloudEventReader.Read(body, shape).Events);
            Assert.Equal((sent.Id, sent.Source, sent.Subject, sent.Time, sent.TraceParent), (read.Id, read.Source, read.StreamId, read.Time, read.TraceParent));
            Assert.Equal((EventTypes.Find(sent.Type), type), (type.Record, read.Type));
            Assert.Equal(JsonSerializer.SerializeToNode(sent.Data, type.JsonType), JsonSerializer.SerializeToNode(read.Data, type.JsonType), JsonNode.DeepEquals);
        }
    }

    [Fact]
    public void A_CloudEvent_is_written_as_the_contract_shows_it()
    {
        var answered = new CloudEvent
        {
            Id = Guid.Parse("0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f01"),
            Source = "/recorder/web/4.2.0",
            Subject = Guid.Parse("5e0c7a1e-93ad-4c53-8a57-6d9f2c1b7e10"),
            Time = new(2026, 3, 1, 11, 15, 4, 123, TimeSpan.FromHours(1)),
            Data = new TaskAnswered
            {
                TaskId = Guid.Parse("7b9d2a66-4c0f-4c1e-8f3a-1d2e3f4a5b6c"),
                Position = 3,
                Text = "How likely are you to recommend us?",
                StartTimeMs = 15_000,
                EndTimeMs = 20_000,
                Answer = new NpsAnswer { Score = 9 },
            },
        };
        var page = File.ReadAllText(Path.Combine(ReadmeTests.Root, "docs", "events.md"));
        var example = page[page.IndexOf("[ {", StringComparison.Ordinal)..(page.IndexOf("} ]", StringComparison.Ordinal) + 3)];

        Assert.Equal(JsonNode.Parse(example), JsonNode.Parse(CloudEvent.ToJson([answered])), JsonNode.DeepEquals);
    }

    private static List<JsonObject> Everything() => [.. TestData.SessionWithEverything().Events, .. TestData.ReelWithEverything().Events, .. TestData.Test().Events];

    private static IEnumerable<Type> ConcreteSubtypes<T>() =>
        typeof(T).Assembly.GetTypes().Where(type => type is { IsAbstract: false } && type.IsAssignableTo(typeof(T)));
}
