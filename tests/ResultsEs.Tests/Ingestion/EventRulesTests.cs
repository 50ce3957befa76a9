using System.Text;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>
/// The rules of every event and answer, as tables: what still passes, and what is refused under which key with which
/// message. Each row changes one member of an event that is right.
/// </summary>
public sealed class EventRulesTests
{
    private const string Nil = "\"00000000-0000-0000-0000-000000000000\"";
    private const string NotUuid = "must be a UUID";
    private const string NilUuid = "must not be the nil UUID";
    private const string LongText = "must have at most 100,000 characters, not 100001";
    private const string LongLabel = "must have at most 1,000 characters, not 1001";
    private const string EmptyId = "must have 1 to 200 characters, not 0";
    private const string LongId = "must have 1 to 200 characters, not 201";
    private const string Negative = "must be 0 or more milliseconds since the session's start, not -1";
    private const string Score = "must be from 0 to 100, not ";
    private const string Fraction = "must be a fraction from 0 to 1, not ";
    private const string NotUrl = "must be an absolute URL of at most 8,192 characters";
    private const string NotWebUrl = "must be an absolute http or https URL of at most 8,192 characters";
    private const string NotTime = "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z";
    private const string NotNull = "must not be null";
    private const string Required = "is required";
    private const string NotWhole = "must be a whole number";
    private const string NotNumber = "must be a number";
    private const string NotText = "must be a string";
    private const string NotArray = "must be an array";
    private const string NotObject = "must be an object";
    private const string Outcome = "must be one of UNKNOWN, SUCCESS, FAILURE";

    /// <summary>Event or answer, path, JSON (null: the member is left out).</summary>
    public static TheoryData<string, string, string?> Right() => new()
    {
        { "SessionStarted", "testPlanId", null },
        { "SessionStarted", "testPlanId", "null" },
        { "SessionStarted", "audienceId", null },
        { "SessionStarted", "workspaceId", "\"11111111-0000-4000-8000-00000000000A\"" },
        { "SessionStarted", "productType", "\"LIVE_CONVERSATION\"" },
        { "SessionStarted", "productType", "\"NON_THINK_OUT_LOUD\"" },
        { "SessionStarted", "productType", "\"THINK_OUT_LOUD\"" },
        { "SessionStarted", "startedAt", "\"2026-03-01T10:15:00+14:00\"" },
        { "SessionStarted", "startedAt", "\"2026-03-01T10:15:00.1234567Z\"" },
        { "ParticipantProfiled", "demographics", "[]" },
        { "ParticipantProfiled", "demographics[0]", "{}" },
        { "ParticipantProfiled", "demographics[0].id", "\"x*200\"" },
        { "ParticipantProfiled", "demographics[0].code", "\"x*200\"" },
        { "ParticipantProfiled", "demographics[0].label", "\"x*100000\"" },
        { "ParticipantProfiled", "demographics[0].value", "\"x*100000\"" },
        { "ParticipantProfiled", "demographics[0].type", "\"DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE\"" },
        { "ParticipantProfiled", "demographics[0].type", "\"UNRECOGNIZED\"" },
        { "TaskAnswered", "position", "0" },
        { "TaskAnswered", "position", "2147483647" },
        { "TaskAnswered", "text", "\"\"" },
        { "TaskAnswered", "text", "\"x*100000\"" },
        { "TaskAnswered", "startTimeMs", "0" },
        { "TaskAnswered", "endTimeMs", "0" },
        { "TaskAnswered", "endTimeMs", "9223372036854775807" },
        { "TaskAnswered", "answer", """{"type":"HOLOGRAM","data":[null,1e3]}""" },
        { "TaskAnswered", "answer", """{"type":"nps","score":99}""" },
        { "TaskAnswered", "answer", """{"score":9,"type":"NPS"}""" },
        { "TaskSkipped", "position", "0" },
        { "TaskSkipped", "text", "\"x*100000\"" },
        { "TaskSkipped", "taskType", "\"x*200\"" },
        { "TaskSkipped", "reason", "\"LOGIC\"" },
        { "TaskSkipped", "startTimeMs", "0" },
        { "TaskSkipped", "endTimeMs", "11000" },
        { "FigmaInteractionRecorded", "atMs", "0" },
        { "FigmaInteractionRecorded", "kind", "\"x*200\"" },
        { "FigmaInteractionRecorded", "presentedNodeId", "\"x*200\"" },
        { "FigmaInteractionRecorded", "targetNodeId", null },
        { "FigmaInteractionRecorded", "nearestScrollingFrameId", "null" },
        { "FigmaInteractionRecorded", "handled", null },
        { "FigmaInteractionRecorded", "targetNodeMousePosition", null },
        { "FigmaInteractionRecorded", "targetNodeMousePosition.x", "-0.5" },
        { "FigmaInteractionRecorded", "stateMappings", "[null]" },
        { "FigmaInteractionRecorded", "stateMappings", "null" },
        { "VerbalResponseTranscribed", "text", "\"x*100000\"" },
        { "VerbalResponseTranscribed", "language", null },
        { "VerbalResponseTranscribed", "language", "\"x*1000\"" },
        { "VerbalResponseTranscribed", "cues", "[]" },
        { "VerbalResponseTranscribed", "cues[0].startMs", "0" },
        { "VerbalResponseTranscribed", "cues[0].endMs", "100" },
        { "VerbalResponseTranscribed", "cues[0].text", "\"x*100000\"" },
        { "TaskGroupScored", "label", "\"x*1000\"" },
        { "TaskGroupScored", "score", "0" },
        { "TaskGroupScored", "score", "100.00" },
        { "TaskGroupScored", "components.behavioral", null },
        { "TaskGroupScored", "components.behavioral", "100" },
        { "TaskGroupScored", "components.attitudinal", "0" },
        { "TaskGroupScored", "values.behavioral", null },
        { "TaskGroupScored", "values.behavioral", "[]" },
        { "TaskGroupScored", "values.behavioral", "[0,100]" },
        { "TaskGroupScored", "values.usability", "100" },
        { "TaskGroupScored", "values.trust", "100" },
        { "TaskGroupScored", "values.appearance", "0" },
        { "TaskGroupScored", "values.loyalty", "0" },
        { "ComparisonSequenced", "sequence", "\"A\"" },
        { "ComparisonSequenced", "sequence", "\"B*100\"" },
        { "SessionTranscribed", "language", "\"x*1000\"" },
        { "SessionTranscribed", "cues", "[]" },
        { "SessionTranscribed", "cues[0].speaker", null },
        { "SessionTranscribed", "cues[0].speaker", "\"x*1000\"" },
        { "SessionTranscribed", "cues[0].endMs", "0" },
        { "SessionTranscribed", "cues[0].text", "\"x*100000\"" },
        { "SessionCompleted", "finishedAt", "\"0001-01-01T00:00:00Z\"" },
        { "SessionCompleted", "finishedAt", "\"9999-12-31T23:59:59.9999999Z\"" },
        { "SessionAbandoned", "reason", null },
        { "SessionAbandoned", "reason", "\"x*100000\"" },
        { "WRITTEN", "text", "\"\"" },
        { "WRITTEN", "text", "\"x*100000\"" },
        { "VERBAL", "text", "\"x*100000\"" },
        { "VERBAL", "language", "\"x*1000\"" },
        { "VERBAL", "cues", """[{"startMs":5,"endMs":5,"text":""}]""" },
        { "URL", "url", "\"about:blank\"" },
        { "URL", "url", $"\"https://shop.example/{new string('x', 8_171)}\"" },
        { "URL", "url", "\"figma://file/1\"" },
        { "URL", "outcome", "\"UNKNOWN\"" },
        { "URL", "outcome", "\"FAILURE\"" },
        { "URL", "finalUrl", null },
        { "URL", "visits", null },
        { "URL", "visits", "[]" },
        { "URL", "visits[0].atMs", "0" },
        { "MATRIX", "rows[0].id", "\"x*200\"" },
        { "MATRIX", "rows[0].label", "\"x*100000\"" },
        { "MATRIX", "rows[0].selections[0].value", null },
        { "MATRIX", "rows[0].selections[0].value", "-2.5" },
        { "MATRIX", "rows[0].selections[0].label", "\"x*100000\"" },
        { "NPS", "score", "0" },
        { "NPS", "score", "10" },
        { "RATING_SCALE", "value", "1" },
        { "RATING_SCALE", "value", "5.0" },
        { "RATING_SCALE", "min", "-3" },
        { "RATING_SCALE", "minLabel", "\"x*1000\"" },
        { "RATING_SCALE", "maxLabel", null },
        { "MULTIPLE_CHOICE", "maxLimit", "1" },
        { "MULTIPLE_CHOICE", "maxLimit", null },
        { "MULTIPLE_CHOICE", "options[1].selected", "false" },
        { "MULTIPLE_CHOICE", "options[0].text", "\"x*100000\"" },
        { "MULTIPLE_CHOICE", "options[0].id", "\"x*200\"" },
        { "MULTIPLE_CHOICE", "otherText", "\"x*100000\"" },
        { "RANK_ORDER", "ranking", """[{"rank":1,"id":"a","text":""}]""" },
        { "RANK_ORDER", "ranking[0].id", "\"x*200\"" },
        { "RANK_ORDER", "ranking[0].text", "\"x*100000\"" },
        { "BLANK", "unheardOf", "1" },
        { "IMAGE", "imageUrl", "\"HTTP://images.example/ä.png\"" },
        { "IMAGE", "imageUrl", $"\"https://shop.example/{new string('x', 8_171)}\"" },
        { "IMAGE", "annotations", "[]" },
        { "IMAGE", "annotations[0].x", "0" },
        { "IMAGE", "annotations[0].y", "1" },
        { "IMAGE", "annotations[0].width", "1" },
        { "IMAGE", "annotations[0].height", null },
        { "IMAGE", "annotations[0].comment", "\"x*100000\"" },
        { "FIGMA", "figmaPrototypeTitle", "\"x*100000\"" },
        { "FIGMA", "figmaPrototypeDisplaySetting", "\"x*1000\"" },
        { "FIGMA", "outcome", null },
        { "FIGMA", "outcome", "\"UNKNOWN\"" },
    };

    /// <summary>Event or answer, path, JSON (null: the member is left out), message; then the key, where it is not the path's.</summary>
    public static TheoryData<string, string, string?, string, string?> Wrong()
    {
        var rows = new TheoryData<string, string, string?, string, string?>();
        void Add(string what, string path, string? json, string message, string? key = null) => rows.Add(what, path, json, message, key);

        Add("SessionStarted", "workspaceId", Nil, NilUuid);
        Add("SessionStarted", "workspaceId", null, Required);
        Add("SessionStarted", "workspaceId", "null", NotNull);
        Add("SessionStarted", "workspaceId", "\"a\"", NotUuid);
        Add("SessionStarted", "workspaceId", "\"{11111111-0000-4000-8000-00000000000a}\"", NotUuid);
        Add("SessionStarted", "testId", Nil, NilUuid);
        Add("SessionStarted", "testId", null, Required);
        Add("SessionStarted", "testPlanId", Nil, NilUuid);
        Add("SessionStarted", "testPlanId", "7", NotUuid);
        Add("SessionStarted", "audienceId", Nil, NilUuid);
        Add("SessionStarted", "audienceId", "[]", NotUuid);
        const string productTypes = "must be one of SURVEY, LIVE_CONVERSATION, NON_THINK_OUT_LOUD, THINK_OUT_LOUD";
        Add("SessionStarted", "productType", "\"survey\"", productTypes);
        Add("SessionStarted", "productType", "0", productTypes);
        Add("SessionStarted", "productType", null, Required);
        Add("SessionStarted", "startedAt", null, Required);
        Add("SessionStarted", "startedAt", "null", NotNull);
        Add("SessionStarted", "startedAt", "1772360104", NotTime);
        Add("SessionStarted", "startedAt", "\"2026-03-01\"", NotTime);
        Add("SessionStarted", "startedAt", "\"2026-03-01T10:15:00\"", NotTime);
        Add("SessionStarted", "startedAt", "\"2026-13-01T10:15:00Z\"", NotTime);
        Add("SessionStarted", "startedAt", "\"yesterday\"", NotTime);

        Add("ParticipantProfiled", "participantId", Nil, NilUuid);
        Add("ParticipantProfiled", "participantId", null, Required);
        Add("ParticipantProfiled", "demographics", null, Required);
        Add("ParticipantProfiled", "demographics", "{}", NotArray);
        Add("ParticipantProfiled", "demographics[0]", "[]", NotObject);
        Add("ParticipantProfiled", "demographics[0].id", "\"\"", EmptyId);
        Add("ParticipantProfiled", "demographics[0].id", "\"x*201\"", LongId);
        Add("ParticipantProfiled", "demographics[0].id", "1", NotText);
        Add("ParticipantProfiled", "demographics[0].code", "\"\"", EmptyId);
        Add("ParticipantProfiled", "demographics[0].code", "\"x*201\"", LongId);
        Add("ParticipantProfiled", "demographics[0].label", "\"x*100001\"", LongText);
        Add("ParticipantProfiled", "demographics[0].value", "\"x*100001\"", LongText);
        Add("ParticipantProfiled", "demographics[0].type", "\"SINGLE\"", "must be one of UNRECOGNIZED, DEMOGRAPHIC_QUESTION_TYPE_SINGLE, DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE");

        foreach (var what in (string[])["TaskAnswered", "TaskSkipped"])
        {
            Add(what, "taskId", Nil, NilUuid);
            Add(what, "taskId", null, Required);
            Add(what, "position", null, Required);
            Add(what, "position", "null", NotNull);
            Add(what, "position", "-1", "must be 0 or more, not -1");
            Add(what, "position", "1.5", NotWhole);
            Add(what, "position", "2147483648", $"{NotWhole} from -2147483648 to 2147483647");
            Add(what, "position", "\"1\"", NotWhole);
            Add(what, "text", null, Required);
            Add(what, "text", "null", NotNull);
            Add(what, "text", "{}", NotText);
            Add(what, "text", "\"x*100001\"", LongText);
            Add(what, "startTimeMs", null, Required);
            Add(what, "startTimeMs", "-1", Negative);
            Add(what, "startTimeMs", "9223372036854775808", $"{NotWhole} from -9223372036854775808 to 9223372036854775807");
            Add(what, "startTimeMs", "true", NotWhole);
            Add(what, "endTimeMs", null, Required);
            Add(what, "endTimeMs", "-1", "must not be before startTimeMs");
        }

        Add("TaskAnswered", "answer", null, Required);
        Add("TaskAnswered", "answer", "null", NotNull);
        Add("TaskAnswered", "answer", "[]", "must be an object with a type");
        Add("TaskAnswered", "answer", "9", "must be an object with a type");
        Add("TaskAnswered", "answer", "{}", "must have a type, such as NPS");
        Add("TaskAnswered", "answer", """{"type":null}""", "must have a type, such as NPS");
        Add("TaskAnswered", "answer", """{"type":7}""", "must have a type, such as NPS");
        Add("TaskAnswered", "answer", """{"type":""}""", "must have a type, such as NPS");
        Add("TaskAnswered", "answer", """{"type":"SKIPPED"}""", "must not be SKIPPED; a skipped task is a TaskSkipped event", "answer.type");
        Add("TaskAnswered", "answer.type", "\"x*201\"", LongId);

        Add("TaskSkipped", "taskType", null, Required);
        Add("TaskSkipped", "taskType", "\"\"", EmptyId);
        Add("TaskSkipped", "taskType", "\"x*201\"", LongId);
        Add("TaskSkipped", "taskType", "\"SKIPPED\"", "must be the task's own type, not SKIPPED");
        Add("TaskSkipped", "reason", null, Required);
        Add("TaskSkipped", "reason", "\"user\"", "must be one of LOGIC, USER");

        Add("FigmaInteractionRecorded", "taskId", Nil, NilUuid);
        Add("FigmaInteractionRecorded", "atMs", null, Required);
        Add("FigmaInteractionRecorded", "atMs", "-1", Negative);
        Add("FigmaInteractionRecorded", "kind", null, Required);
        Add("FigmaInteractionRecorded", "kind", "\"\"", EmptyId);
        Add("FigmaInteractionRecorded", "kind", "\"x*201\"", LongId);
        Add("FigmaInteractionRecorded", "handled", "\"no\"", "must be true or false");
        Add("FigmaInteractionRecorded", "isStoredInHistory", "1", "must be true or false");
        foreach (var id in (string[])["presentedNodeId", "targetNodeId", "nearestScrollingFrameId"])
        {
            Add("FigmaInteractionRecorded", id, "\"\"", EmptyId);
            Add("FigmaInteractionRecorded", id, "\"x*201\"", LongId);
        }

        foreach (var vector in (string[])["targetNodeMousePosition", "nearestScrollingFrameMousePosition", "nearestScrollingFrameOffset"])
        {
            Add("FigmaInteractionRecorded", vector, "3", NotObject);
            Add("FigmaInteractionRecorded", $"{vector}.x", null, Required);
            Add("FigmaInteractionRecorded", $"{vector}.y", "\"3\"", NotNumber);
        }

        Add("VerbalResponseTranscribed", "taskId", Nil, NilUuid);
        Add("VerbalResponseTranscribed", "text", null, Required);
        Add("VerbalResponseTranscribed", "text", "\"x*100001\"", LongText);
        Add("VerbalResponseTranscribed", "language", "\"x*1001\"", LongLabel);
        Add("SessionTranscribed", "language", "\"x*1001\"", LongLabel);
        foreach (var what in (string[])["VerbalResponseTranscribed", "SessionTranscribed"])
        {
            Add(what, "cues", null, Required);
            Add(what, "cues", "null", NotNull);
            Add(what, "cues[0]", null, NotNull);
            Add(what, "cues[0].startMs", null, Required);
            Add(what, "cues[0].startMs", "-1", Negative);
            Add(what, "cues[0].endMs", null, Required);
            Add(what, "cues[0].endMs", "-1", "must not be before startMs");
            Add(what, "cues[0].text", null, Required);
            Add(what, "cues[0].text", "\"x*100001\"", LongText);
        }

        Add("SessionTranscribed", "cues[0].speaker", "\"x*1001\"", LongLabel);

        Add("TaskGroupScored", "taskGroupId", Nil, NilUuid);
        Add("TaskGroupScored", "label", null, Required);
        Add("TaskGroupScored", "label", "\"x*1001\"", LongLabel);
        Add("TaskGroupScored", "components", null, Required);
        Add("TaskGroupScored", "values", "[]", NotObject);
        foreach (var score in (string[])["score", "components.behavioral", "components.attitudinal", "values.behavioral[1]", "values.usability", "values.trust", "values.appearance", "values.loyalty"])
        {
            Add("TaskGroupScored", score, "-0.1", $"{Score}-0.1");
            Add("TaskGroupScored", score, "100.01", $"{Score}100.01");
            Add("TaskGroupScored", score, "\"50\"", NotNumber);
        }

        foreach (var score in (string[])["score", "components.attitudinal", "values.usability", "values.trust", "values.appearance", "values.loyalty"])
        {
            Add("TaskGroupScored", score, null, Required);
            Add("TaskGroupScored", score, "null", NotNull);
        }

        const string sequence = "must be 1 to 100 of A–Z and 0–9, such as BA";
        Add("ComparisonSequenced", "taskGroupId", Nil, NilUuid);
        Add("ComparisonSequenced", "sequence", null, Required);
        Add("ComparisonSequenced", "sequence", "\"\"", sequence);
        Add("ComparisonSequenced", "sequence", "\"ba\"", sequence);
        Add("ComparisonSequenced", "sequence", "\"BA\\n\"", sequence);
        Add("ComparisonSequenced", "sequence", "\"B*101\"", sequence);

        Add("SessionCompleted", "finishedAt", null, Required);
        Add("SessionCompleted", "finishedAt", "\"2026-03-01T10:15:00\"", NotTime);
        Add("SessionCompleted", "finishedAt", "\"0001-01-01T00:00:00+14:00\"", NotTime);
        Add("SessionAbandoned", "abandonedAt", null, Required);
        Add("SessionAbandoned", "abandonedAt", "\"2026-03-01\"", NotTime);
        Add("SessionAbandoned", "reason", "\"x*100001\"", LongText);
        Add("SessionAbandoned", "reason", "[]", NotText);
        Add("SessionAbandoned.v2", "abandonedAt", null, Required);
        Add("SessionAbandoned.v2", "cause", null, Required);
        Add("SessionAbandoned.v2", "cause", "\"closed\"", "must be one of PARTICIPANT, INACTIVITY, TECHNICAL, UNKNOWN");
        Add("SessionAbandoned.v2", "note", "\"x*100001\"", LongText);

        Add("WRITTEN", "text", null, Required);
        Add("WRITTEN", "text", "null", NotNull);
        Add("WRITTEN", "text", "\"x*100001\"", LongText);
        Add("VERBAL", "text", "\"x*100001\"", LongText);
        Add("VERBAL", "language", "\"x*1001\"", LongLabel);
        Add("VERBAL", "cues", """[{"startMs":-1,"endMs":5,"text":""}]""", Negative, "cues[0].startMs");
        Add("VERBAL", "cues", """[{"startMs":5,"endMs":4,"text":""}]""", "must not be before startMs", "cues[0].endMs");

        foreach (var url in (string[])["url", "finalUrl", "visits[0].url"])
        {
            Add("URL", url, "\"\"", NotUrl);
            Add("URL", url, "\"cart\"", NotUrl);
            Add("URL", url, "\"https://shop.example/ \"", NotUrl);
            Add("URL", url, "\"/cart\"", NotUrl);
            Add("URL", url, "\"//shop.example/cart\"", NotUrl);
            Add("URL", url, $"\"https://shop.example/{new string('x', 8_172)}\"", NotUrl);
        }

        Add("URL", "url", null, Required);
        Add("URL", "outcome", null, Required);
        Add("URL", "outcome", "\"MAYBE\"", Outcome);
        Add("URL", "visits[0].atMs", "-1", Negative);
        Add("URL", "visits[0].atMs", null, Required);

        Add("MATRIX", "rows", null, Required);
        Add("MATRIX", "rows", "[]", "must have at least one row");
        Add("MATRIX", "rows[1].id", "\"r1\"", "must have distinct row ids", "rows");
        Add("MATRIX", "rows[0].id", "\"\"", EmptyId);
        Add("MATRIX", "rows[0].id", "\"x*201\"", LongId);
        Add("MATRIX", "rows[0].label", "\"x*100001\"", LongText);
        Add("MATRIX", "rows[0].selections", null, Required);
        Add("MATRIX", "rows[0].selections", """[{"id":"c","label":""},{"id":"c","label":""}]""", "must have distinct selection ids");
        Add("MATRIX", "rows[0].selections[0].id", "\"\"", EmptyId);
        Add("MATRIX", "rows[0].selections[0].id", "\"x*201\"", LongId);
        Add("MATRIX", "rows[0].selections[0].label", "\"x*100001\"", LongText);
        Add("MATRIX", "rows[0].selections[0].value", "\"2\"", NotNumber);

        Add("NPS", "score", null, Required);
        Add("NPS", "score", "-1", "must be a whole number from 0 to 10, not -1");
        Add("NPS", "score", "11", "must be a whole number from 0 to 10, not 11");
        Add("NPS", "score", "9.5", NotWhole);
        Add("NPS", "score", "\"9\"", NotWhole);

        Add("RATING_SCALE", "value", null, Required);
        Add("RATING_SCALE", "value", "0.9", "must lie on the scale from 1 to 5");
        Add("RATING_SCALE", "value", "5.1", "must lie on the scale from 1 to 5");
        Add("RATING_SCALE", "min", null, Required);
        Add("RATING_SCALE", "max", null, Required);
        Add("RATING_SCALE", "max", "1", "must be greater than min (1)");
        Add("RATING_SCALE", "minLabel", "\"x*1001\"", LongLabel);
        Add("RATING_SCALE", "maxLabel", "\"x*1001\"", LongLabel);

        Add("MULTIPLE_CHOICE", "multiSelect", null, Required);
        Add("MULTIPLE_CHOICE", "randomizedOptions", "0", "must be true or false");
        Add("MULTIPLE_CHOICE", "maxLimit", "0", "must be at least 1");
        Add("MULTIPLE_CHOICE", "options", null, Required);
        Add("MULTIPLE_CHOICE", "options[0].id", "\"b\"", "must have distinct option ids", "options");
        Add("MULTIPLE_CHOICE", "options[0].id", "\"\"", EmptyId);
        Add("MULTIPLE_CHOICE", "options[0].id", "\"x*201\"", LongId);
        Add("MULTIPLE_CHOICE", "options[0].text", "\"x*100001\"", LongText);
        Add("MULTIPLE_CHOICE", "options[0].selected", null, Required);
        Add("MULTIPLE_CHOICE", "options[0].selected", "true",
            "must have one option selected when multiSelect is false (none only with otherText), not 2", "options");
        Add("MULTIPLE_CHOICE", "otherText", "\"x*100001\"", LongText);

        const string permutation = "must have each rank from 1 to 3 exactly once";
        Add("RANK_ORDER", "ranking", null, Required);
        Add("RANK_ORDER", "ranking", "[]", "must have at least one option");
        Add("RANK_ORDER", "ranking[0].rank", "1", permutation, "ranking");
        Add("RANK_ORDER", "ranking[0].rank", "4", permutation, "ranking");
        Add("RANK_ORDER", "ranking[1].rank", "0", permutation, "ranking");
        Add("RANK_ORDER", "ranking[0].id", "\"o1\"", "must have distinct option ids", "ranking");
        Add("RANK_ORDER", "ranking[0].id", "\"\"", EmptyId);
        Add("RANK_ORDER", "ranking[0].id", "\"x*201\"", LongId);
        Add("RANK_ORDER", "ranking[0].text", "\"x*100001\"", LongText);

        foreach (var (what, url) in ((string, string)[])[("IMAGE", "imageUrl"), ("FIGMA", "prototypeUrl")])
        {
            Add(what, url, null, Required);
            Add(what, url, "\"\"", NotWebUrl);
            Add(what, url, "\"/1.png\"", NotWebUrl);
            Add(what, url, "\"javascript:alert(1)\"", NotWebUrl);
            Add(what, url, "\"file:///etc/passwd\"", NotWebUrl);
            Add(what, url, $"\"https://shop.example/{new string('x', 8_172)}\"", NotWebUrl);
        }

        Add("IMAGE", "annotations", null, Required);
        foreach (var fraction in (string[])["x", "y", "width", "height"])
        {
            Add("IMAGE", $"annotations[0].{fraction}", "-0.01", $"{Fraction}-0.01");
            Add("IMAGE", $"annotations[0].{fraction}", "1.01", $"{Fraction}1.01");
        }

        Add("IMAGE", "annotations[0].x", null, Required);
        Add("IMAGE", "annotations[0].y", null, Required);
        Add("IMAGE", "annotations[0].comment", "\"x*100001\"", LongText);

        Add("FIGMA", "figmaPrototypeTitle", "\"x*100001\"", LongText);
        Add("FIGMA", "figmaPrototypeDisplaySetting", "\"x*1001\"", LongLabel);
        Add("FIGMA", "outcome", "\"MAYBE\"", Outcome);
        return rows;
    }

    [Fact]
    public void Every_event_and_answer_of_the_builders_is_right() => Assert.Equal([], Read(TestData.SessionWithEverything()));

    [Theory]
    [MemberData(nameof(Right), DisableDiscoveryEnumeration = true)]
    public void What_keeps_the_rules_is_taken(string what, string path, string? json) => Assert.Equal([], Read(Changed(what, path, json).Session));

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void What_breaks_a_rule_is_refused_under_its_path(string what, string path, string? json, string message, string? key)
    {
        var (session, prefix) = Changed(what, path, json);
        Assert.Equal([($"[0].{prefix}.{key ?? path}", message)], Read(session));
    }

    [Fact]
    public void No_more_options_may_be_selected_than_maxLimit()
    {
        var choice = Answers.Choice("a", "b");
        Assert.Equal([], Read(TestData.SessionOnly().WithAnswer(choice)));
        Assert.Equal(
            [("[0].data.answer.options", "must have at most maxLimit (1) options selected, not 2")],
            Read(TestData.SessionOnly().WithAnswer(Answers.Choice("a", "b").But("maxLimit", "1"))));
    }

    [Fact]
    public void A_single_choice_without_a_selection_needs_another_text()
    {
        Assert.Equal([], Read(TestData.SessionOnly().WithAnswer(Answers.Choice())));
        Assert.Equal(
            [("[0].data.answer.options", "must have one option selected when multiSelect is false (none only with otherText), not 0")],
            Read(TestData.SessionOnly().WithAnswer(Answers.Choice().But("otherText", null))));
    }

    [Fact]
    public void A_multiple_choice_may_go_without_a_selection() =>
        Assert.Equal([], Read(TestData.SessionOnly().WithAnswer(Answers.Choice().But("multiSelect", "true").But("otherText", null))));

    [Fact]
    public void Every_broken_rule_of_an_event_is_named() =>
        Assert.Equal(
            [
                ("[0].data.taskId", NilUuid),
                ("[0].data.position", "must be 0 or more, not -1"),
                ("[0].data.startTimeMs", Negative),
                ("[0].data.answer.max", "must be greater than min (1)"),
                ("[0].data.answer.minLabel", LongLabel),
            ],
            Read(TestData.SessionOnly()
                .WithAnswer(Answers.Rating(4).But("max", "0").But("minLabel", "\"x*1001\""))
                .But("data.taskId", Nil).But("data.position", "-1").But("data.startTimeMs", "-1")));

    [Fact]
    public void Every_member_of_the_wrong_shape_is_named() =>
        Assert.Equal(
            [
                ("[0].data.answer.options[0]", NotNull),
                ("[0].data.answer.options[1].id", Required),
                ("[0].data.answer.options[2].selected", "must be true or false"),
                ("[0].data.position", NotWhole),
                ("[0].data.taskId", Required),
            ],
            Read(TestData.SessionOnly()
                .WithAnswer(Answers.Choice("b").But("options[0]", null).But("options[1].id", null).But("options[2].selected", "[]"))
                .But("data.taskId", null).But("data.position", "\"1\"")).Order());

    private static (SessionBuilder Session, string Prefix) Changed(string what, string path, string? json)
    {
        var isAnswer = Answers.All.ContainsKey(what);
        var prefix = isAnswer ? "data.answer" : "data";
        var everything = TestData.SessionWithEverything();
        everything.Events.RemoveAll(e => isAnswer
            ? (string?)e["data"]!["answer"]?["type"] != what
            : (string)e["type"]! != (what.Contains(".v", StringComparison.Ordinal) ? $"results.{what}" : $"results.{what}.v1"));
        everything.Events.RemoveRange(1, everything.Events.Count - 1);
        return (everything.But($"{prefix}.{path}", json), prefix);
    }

    private static IEnumerable<(string, string)> Read(SessionBuilder session) =>
        CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch).Problems.Select(problem => (problem.Key, problem.Message));
}
