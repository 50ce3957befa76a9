using System.Collections;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.Tests.Laws;

namespace ResultsEs.Tests.Privacy;

/// <summary>What is left of events when they are masked.</summary>
public sealed class MaskTests
{
    private const string Marker = "MARKER";
    private const string Account = "11111111-0000-4000-8000-000000000001";

    public static TheoryData<string> Types => [.. SessionEventTypes.All.Select(type => type.WireType)];

    /// <summary>Made from the records' own contracts, so that a new event, answer or member is among them.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void No_text_of_any_event_of_a_session_is_left(string wireType)
    {
        var type = SessionEventTypes.All.Single(type => type.WireType == wireType);
        string[] answers = type.Record == typeof(TaskAnswered) ? [.. TaskType.All.Select(task => task.Name), Marker + "-type"] : [""];
        foreach (var answer in answers)
        {
            var planted = Make(type.Record, answer);
            var data = type.Read(Encoding.UTF8.GetBytes(planted.ToJsonString()));
            Assert.Contains(Marker, Text(type, data), StringComparison.Ordinal);

            var masked = Text(type, type.Masked(data, new Masking(Account)));

            Assert.DoesNotContain(Marker, masked, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Masked_events_are_valid_and_masking_them_again_changes_nothing()
    {
        var session = TestData.SessionWithEverything().WithAnswer(new JsonObject { ["type"] = "HOLOGRAM", ["beam"] = "x" }).Plant("M");
        var events = CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch);
        Assert.Empty(events.Problems);
        foreach (var e in events.Events)
        {
            var masked = e.Masked(Guid.NewGuid(), new Masking(Account));

            Assert.Empty(e.Type.Validate(masked.Data).Errors);
            if (e.Data is not ParticipantProfiled)
                Assert.Equal(Text(e.Type, masked.Data), Text(e.Type, e.Type.Masked(masked.Data, new Masking(Account))));
        }
    }

    [Fact]
    public void Numbers_of_any_session_stay_as_they_were() => AnySession.Events.Sample(
        session =>
        {
            var events = CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch).Events;
            var before = Fold(session.Id, events);
            var masking = new Masking(Account);
            var after = Fold(session.Id, [.. Masking.InOrder(events, e => (e.Data, e.Id)).Select(e => e.Masked(Guid.Empty, masking))]);

            Assert.Equal(Numbers(before), Numbers(after));
        },
        iter: 300);

    [Theory]
    [InlineData("opt-3", "opt-3")]
    [InlineData("1:23", "1:23")]
    [InlineData("a", "a")]
    [InlineData("5a000000-0000-4000-8000-000000000003", "5a000000-0000-4000-8000-000000000003")]
    [InlineData("Anna Smith", "erased-1")]
    [InlineData("anna", "erased-1")]
    [InlineData("+491701234567", "erased-1")]
    public void An_id_stays_when_it_is_a_code_that_holds_no_words(string id, string expected)
    {
        var masking = new Masking(Account);

        Assert.Equal((expected, expected), (masking.Id(id), masking.Id(id)));
    }

    private static SessionResult Fold(Guid id, IReadOnlyList<IncomingEvent> events) =>
        SessionResultFold.Fold(id, null, events.Select(e => new RecordedEvent(new EventOrder(e.Time, e.Id), e.Data)));

    /// <summary>What is counted, timed or scored of a session.</summary>
    private static string Numbers(SessionResult session)
    {
        var json = JsonSerializer.SerializeToNode(session.Body, Json.Of<SessionBody>())!.AsObject();
        foreach (var task in json["tasks"]!.AsArray())
        {
            task!["text"] = null;
            task["type"] = session.Fold.Tasks.Single(fold => fold.Id == (Guid)task["uuid"]!).Position;
            if (task["response"]?["answer"] is not JsonObject answer)
                continue;
            foreach (var member in answer["written"]?.AsObject().Select(member => member.Key).ToList() ?? [])
                answer["written"]!.AsObject().Remove(member);
            (answer["url"] as JsonObject)?.Remove("visits");
            (answer["image"] as JsonObject)?.Remove("annotations");
            (answer["figma"] as JsonObject)?["interactions"]!.AsArray().Clear();
        }

        (json["sessionParticipant"] as JsonObject)?.Clear();
        RemoveTexts(json);
        return json.ToJsonString();
    }

    private static void RemoveTexts(JsonNode node)
    {
        if (node is JsonObject members)
        {
            foreach (var (name, value) in members.ToList())
            {
                if (value is JsonValue text && text.TryGetValue<string>(out _) && name is "label" or "text" or "otherText" or "minLabel" or "maxLabel"
                    or "url" or "finalUrl" or "imageUrl" or "prototypeUrl" or "figmaPrototypeTitle" or "figmaPrototypeDisplaySetting")
                    members.Remove(name);
                else if (value is not null)
                    RemoveTexts(value);
            }
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items.OfType<JsonNode>())
                RemoveTexts(item);
        }
    }

    private static string Text(EventType type, StreamEvent data) => JsonSerializer.Serialize(data, type.JsonType);

    /// <summary>JSON of a type with a marker in each text, in a member that nobody knows and in its name.</summary>
    private static JsonNode Make(Type type, string answer)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(Answer))
        {
            var json = AnswerTypes.Find(answer) is { } record ? Make(record, answer) : new JsonObject { [$"{Marker}-beam"] = $"{Marker}-beam" };
            json["type"] = answer;
            return json;
        }

        if (type == typeof(string))
            return $"{Marker}-{Guid.NewGuid():n}";
        if (type == typeof(JsonElement))
            return new JsonObject { [$"{Marker}-key"] = $"{Marker}-value" };
        if (type == typeof(Guid))
            return Guid.NewGuid().ToString();
        if (type == typeof(DateTimeOffset))
            return "2026-03-01T10:15:00.000Z";
        if (type == typeof(bool))
            return true;
        if (type.IsEnum)
            return JsonSerializer.SerializeToNode(Enum.GetValues(type).GetValue(0), EventJson.Options.GetTypeInfo(type))!;
        if (type.IsPrimitive || type == typeof(decimal))
            return 1;
        if (type.IsAssignableTo(typeof(IEnumerable)))
            return new JsonArray(Make(type.GetGenericArguments()[0], answer), Make(type.GetGenericArguments()[0], answer));

        var members = new JsonObject { ["unheardOf"] = new JsonObject { [$"{Marker}-name"] = $"{Marker}-unknown" } };
        foreach (var member in EventJson.Options.GetTypeInfo(type).Properties.Where(member => !member.IsExtensionData && member.Set is not null))
            members[member.Name] = Make(member.PropertyType, answer);
        return members;
    }
}
