using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Exports;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Exports;

/// <summary><c>GET /api/v3/testResults/{testId}/export</c>, read back by DuckDB.</summary>
public sealed class TableExportTests(AppFixture app)
{
    /// <summary>What begins a formula somewhere, and what else can break a cell.</summary>
    private static readonly string[] Texts =
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'quoted", "'=1", "\uFF1D1", "a,b", "say \"hi\"", "\"", "two\nlines", "two\r\nlines", "é – 日本語 🙂", "", " x ", "NULL", "\\N", "0012", "a;=1",
    ];

    private static readonly (string Column, string Member, string[] Types)[] Members =
    [
        ("answer_text", "text", ["WRITTEN", "VERBAL"]), ("language", "language", ["VERBAL"]), ("nps_score", "score", ["NPS"]), ("nps_category", "category", ["NPS"]),
        ("rating_value", "value", ["RATING_SCALE"]), ("rating_min", "min", ["RATING_SCALE"]), ("rating_max", "max", ["RATING_SCALE"]),
        ("rating_min_label", "minLabel", ["RATING_SCALE"]), ("rating_max_label", "maxLabel", ["RATING_SCALE"]), ("multi_select", "multiSelect", ["MULTIPLE_CHOICE"]),
        ("other_text", "otherText", ["MULTIPLE_CHOICE"]), ("outcome", "outcome", ["URL", "FIGMA"]), ("url", "url", ["URL"]), ("final_url", "finalUrl", ["URL"]), ("visits", "visits", ["URL"]),
        ("ranking", "ranking", ["RANK_ORDER"]), ("matrix_rows", "rows", ["MATRIX"]), ("image_url", "imageUrl", ["IMAGE"]), ("annotations", "annotations", ["IMAGE"]),
        ("prototype_url", "prototypeUrl", ["FIGMA"]), ("prototype_title", "figmaPrototypeTitle", ["FIGMA"]), ("start_node_id", "startNodeId", ["FIGMA"]), ("end_node_id", "endNodeId", ["FIGMA"]),
        ("duration_ms", "durationMs", ["FIGMA"]), ("interaction_count", "interactionCount", ["FIGMA"]), ("misclick_count", "misclickCount", ["FIGMA"]), ("path", "path", ["FIGMA"]),
    ];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("csv")]
    [InlineData("parquet")]
    [InlineData("ndjson")]
    public async Task Every_table_says_what_the_sessions_say(string format)
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        List<SessionBuilder> sessions =
        [
            TestData.SessionWithEverything(test: test), TestData.SessionOfNulls(test: test), TestData.Session(test: test),
            .. Texts.Chunk(8).Select(some => some.Aggregate(TestData.Session(test: test), (session, text) => session.WithAnswer(Answers.Written(text)).But("data.text", System.Text.Json.JsonSerializer.Serialize($"{text}?")))),
            TestData.Session(test: test).WithAnswer(Answers.Rating(-2.50m)).But("data.answer.min", "-5").WithAnswer(Answers.Rating(1.1234567890123456m)),
        ];
        foreach (var session in sessions)
            await http.RecordAsync(session);
        var expected = new List<(JsonObject V2, JsonObject V3)>();
        foreach (var session in sessions.OrderBy(session => session.Id.ToString(), StringComparer.Ordinal))
            expected.Add((await http.JsonAsync($"/api/v2/sessionResults/{session.Id}"), await http.JsonAsync($"/api/v3/sessionResults/{session.Id}")));

        var read = await ReadAsync(http, test, ExportFormats.Of(format), folder);

        Same(read["sessions"], expected.Select(session => Session(session.V3)));
        Same(read["answers"], expected.SelectMany(session => session.V2["sessionTaskResults"]!.AsArray().Select(task => Answer(session.V2, task!.AsObject()))));
        Same(read["demographics"], expected.SelectMany(session => (session.V3["sessionParticipant"]?["demographicsInfo"]?.AsArray() ?? []).Select((one, i) => Demographic(session.V3, one!, i))));
        Same(read["cues"], expected.SelectMany(session => Cues(session.V2)));
        Same(read["interactions"], [.. sessions.SelectMany(session => session.Events.Where(e => (string)e["type"]! == "results.FigmaInteractionRecorded.v1").Select(e => Interaction(session, e))).OrderBy(row => row["session_id"]!.ToString(), StringComparer.Ordinal)]);
        Assert.Equal(expected.Select(session => ((string)session.V3["sessionId"]!, "upserted")), read["changes"].Select(row => ((string)row["session_id"]!, (string)row["kind"]!)));
    }

    [Fact]
    public async Task No_cell_of_csv_begins_a_formula_and_numbers_stay_numbers()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Written("=1+1")).WithAnswer(Answers.Written("\t=1")).WithAnswer(Answers.Written("\n@x")).WithAnswer(Answers.Written("'it"))
            .WithAnswer(Answers.Rating(-2.50m)).But("data.answer.min", "-5"));
        var csv = Encoding.UTF8.GetString(await http.GetByteArrayAsync(new Uri($"{Path(test)}?format=csv&bom=true", UriKind.Relative), Cancelled));

        var lines = csv.Split("\r\n");
        Assert.Equal((char)0xFEFF, csv[0]);
        Assert.Equal(string.Join(',', Tables.Answers.Columns.Select(column => column.Name)), lines[0][1..]);
        Assert.Contains(",'=1+1,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",'\t=1,", lines[2], StringComparison.Ordinal);
        Assert.Contains(",\"'\n@x\",", lines[3], StringComparison.Ordinal);
        Assert.Contains(",''it,", lines[4], StringComparison.Ordinal);
        Assert.Contains(",-2.50,-5,5,", lines[5], StringComparison.Ordinal);
        Assert.Equal("", lines[6]);
        // What was recorded as a sum stays a sum in its JSON, which begins with a brace.
        Assert.EndsWith("\"{\"\"text\"\": \"\"=1+1\"\"}\"", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_wide_table_has_a_column_for_each_task_and_option_in_the_order_of_the_plan()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await app.ClientAsync();
        var (test, written, choice, matrix, rank, nps, later) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var first = TestData.Session(test: test).WithAnswer(Answers.Written("-a"), written, position: 5).WithAnswer(Answers.Choice("b"), choice, position: 1)
            .WithAnswer(Answers.Matrix(), matrix, position: 2).WithAnswer(Answers.Ranking(2, 1, 3), rank, position: 3).WithAnswer(Answers.Nps(9), nps, position: 4).Completed();
        var second = TestData.Session(test: test).WithAnswer(Answers.Nps(3), nps, position: 4).WithAnswer(Answers.Blank(), later, position: 6);
        await http.RecordAsync(first);
        await http.RecordAsync(second);
        // The plan puts the written task first, which its position does not.
        var definition = TestData.Test(test);
        definition.But("data.tasks[0].taskId", $"\"{written}\"");
        await http.RecordAsync(definition);

        var file = await SaveAsync(http, $"{Path(test)}?format=wide-csv", folder, "wide.csv");
        var rows = (await Duck.RunAsync($"select * from read_csv('{file}', all_varchar = true, header = true, allow_quoted_nulls = false) order by status"))[0];

        var tasks = rows[0].Select(cell => cell.Key).Skip(WidePlan.Head.Count).ToList();
        Assert.Matches("^1[.] ", tasks[0]);
        Assert.Equal(
            ["2. Task 1 [Option a]", "2. Task 1 [Option b]", "2. Task 1 [Option c]", "2. Task 1 [other]", "3. Task 2 [Speed]", "3. Task 2 [Price]", "4. Task 3 [Option 1]", "4. Task 3 [Option 0]", "4. Task 3 [Option 2]", "5. Task 4", "6. Task 6", "other_answers"],
            tasks[1..]);
        Assert.Equal(["'-a", "false", "true", "false", "none of these", "Good", "", "1", "2", "3", "9", null, null], rows[0].Skip(WidePlan.Head.Count).Select(cell => (string?)cell.Value));
        Assert.Equal([null, null, null, null, null, null, null, null, null, null, "3", "done", null], rows[1].Skip(WidePlan.Head.Count).Select(cell => (string?)cell.Value));
        Assert.Equal((first.Id.ToString(), "COMPLETE", second.Id.ToString()), ((string)rows[0]["session_id"]!, (string)rows[0]["status"]!, (string)rows[1]["session_id"]!));
    }

    [Fact]
    public async Task Interactions_are_all_there_and_only_those_that_count_in_the_workspace()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var session = TestData.Session(test: test).WithAnswer(Answers.Figma());
        for (var i = 0; i < 700; i++)
            session.WithInteraction(session.Tasks[0], 10 * i, "NEW_STATE");
        // Of one who may not write there, before the session starts: it is stored, and is in no document of this workspace.
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        await stranger.RecordAsync(TestData.SessionOnly(session.Id).WithInteraction(session.Tasks[0], 1, "NEW_STATE"));
        await http.RecordAsync(session);

        var file = await SaveAsync(http, $"{Path(test)}?format=parquet&table=interactions", folder, "i.parquet");
        var rows = (await Duck.RunAsync($"select at_ms from '{file}' order by at_ms"))[0];
        Assert.Equal(Enumerable.Range(0, 700).Select(i => (10 * i).ToString(CultureInfo.InvariantCulture)), rows.Select(row => (string)row["at_ms"]!));
    }

    [Fact]
    public async Task A_test_without_sessions_is_an_empty_table_and_one_of_others_is_not_there()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        var (empty, theirs) = (TestData.Test(), Guid.NewGuid());
        await http.RecordAsync(empty);
        await stranger.RecordAsync(TestData.Session(TestClients.WorkspaceB, theirs).WithAnswer(Answers.Nps(1)));

        var parquet = await SaveAsync(http, $"{Path(empty.Id)}?format=parquet&table=answers", folder, "e.parquet");
        var described = (await Duck.RunAsync($"describe select * from '{parquet}'", $"select count(*) as n from '{parquet}'"));
        Assert.Equal(Tables.Answers.Columns.Select(column => (column.Name, Duck.TypeOf(column.Kind))), described[0].Select(row => ((string)row["column_name"]!, (string)row["column_type"]!)));
        Assert.Equal("0", (string)described[1][0]["n"]!);
        Assert.Equal(string.Join(',', Tables.Cues.Columns.Select(column => column.Name)) + "\r\n", await http.GetStringAsync(new Uri($"{Path(empty.Id)}?table=cues", UriKind.Relative), Cancelled));
        Assert.Equal("", await http.GetStringAsync(new Uri($"{Path(empty.Id)}?table=cues&format=ndjson", UriKind.Relative), Cancelled));
        Assert.Equal(HttpStatusCode.NotFound, (await http.ReadAsync(Path(theirs))).StatusCode);
    }

    [Fact]
    public async Task A_file_that_was_cut_off_is_not_taken_for_whole()
    {
        await NodeTools.NeedAsync();
        using var folder = new TempFolder();
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.SessionWithEverything(test: test));
        var file = await SaveAsync(http, $"{Path(test)}?format=parquet", folder, "c.parquet");
        var bytes = await File.ReadAllBytesAsync(file, Cancelled);
        await File.WriteAllBytesAsync(file, bytes[..^20], Cancelled);

        var run = await NodeTools.RunAsync("node", ["duckdb.mjs"], $"[\"select * from '{file}'\"]");
        Assert.NotEqual(0, run.ExitCode);
    }

    [Theory]
    [InlineData("format=xlsx", "format")]
    [InlineData("table=people", "table")]
    [InlineData("format=wide-csv&table=answers", "table")]
    [InlineData("format=parquet&bom=true", "bom")]
    [InlineData("bom=yes", "bom")]
    [InlineData("since=AAAA", "since")]
    [InlineData("table=answers&table=cues", "table")]
    public async Task What_cannot_be_is_refused_by_its_name(string query, string name)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"{Path(Guid.NewGuid())}?{query}");
        Assert.Equal((HttpStatusCode.BadRequest, name), (answer.StatusCode, (await answer.JsonAsync())["errors"]!.AsObject().Single().Key));
    }

    /// <summary>A batch, and what it becomes: a row group of Parquet is 8 MiB of rows.</summary>
    [Theory]
    [InlineData("csv", 2)]
    [InlineData("ndjson", 2)]
    [InlineData("parquet", 20)]
    public async Task What_memory_holds_of_a_file_does_not_grow_with_its_rows(string format, int mebibytes)
    {
        const long Mebibyte = 1024 * 1024;
        var (batch, output, most, text) = (new TableBatch(Tables.Cues.Columns), new OutputBuffer(), 0L, new char[800]);
        await using var table = await TableWriter.CreateAsync(ExportFormats.Of(format), Tables.Cues.Columns, output, withMark: false, Cancelled);
        for (var row = 0; row < 40_000; row++)
        {
            Random.Shared.GetItems("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", text);
            batch.Uuid(default).Uuid(default).Uuid(default).Uuid(null).Whole(row).Whole(row).Whole(row).Text(null).Text(new string(text)).EndRow();
            if (!table.IsFull(batch))
                continue;

            await table.WriteAsync(batch, Cancelled);
            most = Math.Max(most, batch.Bytes + output.Written.Length);
            batch.Clear();
            output.Take();
        }

        await table.WriteAsync(batch, Cancelled);
        await table.EndAsync(Cancelled);
        Assert.InRange(most, 1, mebibytes * Mebibyte);
        Assert.True(output.Position > 30 * Mebibyte, $"{output.Position}");
    }

    private static string Path(Guid test) => $"/api/v3/testResults/{test}/export";

    internal static async Task<string> SaveAsync(HttpClient http, string path, TempFolder folder, string name)
    {
        using var answer = await http.ReadAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var file = System.IO.Path.Combine(folder.Path, name);
        await File.WriteAllBytesAsync(file, await answer.Content.ReadAsByteArrayAsync(Cancelled), Cancelled);
        return file;
    }

    /// <summary>All tables of a test, by their names; each in the order of sessions, as they were exported.</summary>
    private static async Task<Dictionary<string, IReadOnlyList<JsonObject>>> ReadAsync(HttpClient http, Guid test, ExportFormat format, TempFolder folder)
    {
        var statements = new List<string>();
        foreach (var table in Tables.All)
        {
            var file = await SaveAsync(http, $"{Path(test)}?format={ExportFormats.NameOf(format)}&table={table.Name}", folder, $"{table.Name}.{ExportFormats.Extension(format)}");
            statements.Add($"select * from {Duck.From(file, format, table.Columns)}");
        }

        var rows = await Duck.RunAsync(statements);
        return Tables.All.Zip(rows).ToDictionary(pair => pair.First.Name, pair => pair.Second, StringComparer.Ordinal);
    }

    private static void Same(IReadOnlyList<JsonObject> rows, IEnumerable<JsonObject> expected)
    {
        var all = expected.ToList();
        Assert.Equal(all.Count, rows.Count);
        var wrong = new StringBuilder();
        foreach (var (row, meant) in rows.OrderBy(row => (string?)row["session_id"], StringComparer.Ordinal).Zip(all))
        {
            foreach (var (column, value) in row.Where(cell => meant.ContainsKey(cell.Key) && !Duck.Says(cell.Value, meant[cell.Key])))
                wrong.AppendLine(CultureInfo.InvariantCulture, $"{row["session_id"]} {column}: {value?.ToJsonString() ?? "null"} instead of {meant[column]?.ToJsonString() ?? "null"}");
        }

        Assert.Equal("", wrong.ToString());
    }

    private static JsonObject Key(JsonObject session) => new() { ["session_id"] = session["sessionId"]!.DeepClone(), ["workspace_id"] = session["workspaceId"]!.DeepClone(), ["test_id"] = session["testId"]!.DeepClone() };

    private static JsonObject Session(JsonObject v3)
    {
        var row = Key(v3);
        foreach (var (column, member) in new[] { ("product_type", "productType"), ("status", "status"), ("start_time", "startTime"), ("finish_time", "finishTime"), ("abandon_cause", "abandonCause"), ("audience_id", "audienceId"), ("test_plan_id", "testPlanId"), ("task_groups", "taskGroups") })
            row[column] = v3[member]?.DeepClone();
        row["participant_id"] = v3["sessionParticipant"]?["participantId"]?.DeepClone();
        row["skipped_tasks"] = v3["tasks"]!.AsArray().Count(task => (bool)task!["response"]!["skipped"]!);
        row["answered_tasks"] = v3["tasks"]!.AsArray().Count - (int)row["skipped_tasks"]!;
        return row;
    }

    private static JsonObject Answer(JsonObject v2, JsonObject task)
    {
        var row = Key(v2);
        var isSkipped = (string)task["taskType"]! == "SKIPPED";
        var payload = isSkipped ? null : task["taskResponse"];
        var type = (string)(isSkipped ? task["taskResponse"]!["skippedType"]! : task["taskType"]!)!;
        (row["task_id"], row["position"], row["task_type"], row["task_text"]) = (task["taskId"]!.DeepClone(), task["position"]!.DeepClone(), type, task["text"]!.DeepClone());
        (row["skipped"], row["skip_reason"]) = (isSkipped, isSkipped ? task["taskResponse"]!["reason"]!.DeepClone() : null);
        (row["start_time_ms"], row["end_time_ms"]) = (task["startTimeMs"]!.DeepClone(), task["endTimeMs"]!.DeepClone());
        foreach (var (column, member, types) in Members)
            row[column] = types.Contains(type) ? payload?[member]?.DeepClone() : null;
        var selected = type == "MULTIPLE_CHOICE" && payload is not null ? payload["options"]!.AsArray().Where(option => (bool)option!["selected"]!).ToList() : null;
        row["selected_ids"] = selected is null ? null : new JsonArray([.. selected.Select(option => option!["id"]!.DeepClone())]);
        row["selected_texts"] = selected is null ? null : new JsonArray([.. selected.Select(option => option!["text"]!.DeepClone())]);
        row["answer"] = payload?.DeepClone();
        return row;
    }

    private static JsonObject Demographic(JsonObject v3, JsonNode one, int position)
    {
        var row = Key(v3);
        (row["participant_id"], row["position"]) = (v3["sessionParticipant"]!["participantId"]?.DeepClone(), position);
        foreach (var (column, member) in new[] { ("question_id", "id"), ("code", "code"), ("label", "label"), ("value", "value"), ("type", "type") })
            row[column] = one[member]?.DeepClone();
        return row;
    }

    private static IEnumerable<JsonObject> Cues(JsonObject v2)
    {
        var ofTasks = v2["sessionTaskResults"]!.AsArray().Where(task => task!["taskResponse"]?["cues"] is not null)
            .SelectMany(task => task!["taskResponse"]!["cues"]!.AsArray().Select((cue, i) => Cue(task["taskId"], i, cue!["startMs"], cue["endMs"], null, cue["text"], task["taskResponse"]!["language"])));
        // Of all sessions here the one with a transcript of its own has this one.
        return (string?)v2["status"] == "COMPLETE" ? ofTasks.Append(Cue(null, 0, 0, 1_200, "Participant", "Let us see.", "en-GB")) : ofTasks;

        JsonObject Cue(JsonNode? task, int position, JsonNode? start, JsonNode? end, JsonNode? speaker, JsonNode? text, JsonNode? language)
        {
            var row = Key(v2);
            (row["task_id"], row["position"], row["start_ms"], row["end_ms"]) = (task?.DeepClone(), position, start!.DeepClone(), end!.DeepClone());
            (row["speaker"], row["text"], row["language"]) = (speaker?.DeepClone(), text!.DeepClone(), language?.DeepClone());
            return row;
        }
    }

    private static JsonObject Interaction(SessionBuilder session, JsonObject e)
    {
        var data = e["data"]!.AsObject();
        var place = data["targetNodeMousePosition"] ?? data["nearestScrollingFrameMousePosition"];
        var row = new JsonObject { ["session_id"] = session.Id.ToString(), ["workspace_id"] = TestClients.WorkspaceA.ToString(), ["test_id"] = session.TestId.ToString(), ["event_id"] = e["id"]!.DeepClone() };
        foreach (var (column, member) in new[] { ("task_id", "taskId"), ("at_ms", "atMs"), ("kind", "kind"), ("presented_node_id", "presentedNodeId"), ("handled", "handled"), ("phase", "phase"), ("target_node_id", "targetNodeId") })
            row[column] = data[member]?.DeepClone();
        (row["x"], row["y"]) = (place?["x"]?.DeepClone(), place?["y"]?.DeepClone());
        // Members that are null are not stored.
        row["interaction"] = new JsonObject(data.Where(member => member.Value is not null).Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));
        return row;
    }
}
