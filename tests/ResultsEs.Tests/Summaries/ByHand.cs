using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Summaries;

/// <summary>Summaries, computed from the sessions as v3 shows them.</summary>
internal static class ByHand
{
    /// <summary>What a task's summary says of the tasks of sessions.</summary>
    public static JsonObject TaskSummary(Guid test, Guid task, string type, int position, IReadOnlyList<JsonObject> sessions)
    {
        var tasks = sessions.SelectMany(session => session["tasks"]!.AsArray()).Where(one => (Guid)one!["uuid"]! == task).Select(one => one!["response"]!).ToList();
        var answered = tasks.Where(one => !(bool)one["skipped"]!).ToList();
        var durations = answered.Select(one => (long)one["endTimeMs"]! - (long)one["startTimeMs"]!).Order().ToList();
        var v3 = type == "VERBAL" ? "WRITTEN" : type;
        return new JsonObject
        {
            ["testId"] = test.ToString(),
            ["taskId"] = task.ToString(),
            ["position"] = position,
            ["text"] = $"Task {position}",
            ["type"] = v3,
            ["sessions"] = sessions.Count,
            ["answered"] = answered.Count,
            ["skipped"] = tasks.Count - answered.Count,
            ["durationMs"] = durations.Count == 0 ? null : new JsonObject
            {
                ["count"] = durations.Count,
                ["min"] = durations[0],
                ["p25"] = Percentile(durations, 0.25),
                ["median"] = Percentile(durations, 0.5),
                ["p75"] = Percentile(durations, 0.75),
                ["p95"] = Percentile(durations, 0.95),
                ["max"] = durations[^1],
                ["mean"] = Math.Round((decimal)durations.Sum() / durations.Count, 2, MidpointRounding.AwayFromZero),
            },
            ["answers"] = answered.Count == 0 ? null : Answers(v3, [.. answered.Select(one => one["answer"]!.AsObject().Single().Value!)]),
        };
    }

    private static long Percentile(List<long> sorted, double part) => sorted[(int)Math.Ceiling(part * sorted.Count) - 1];

    private static JsonObject Answers(string type, List<JsonNode> answers) => type switch
    {
        "NPS" => new() { ["nps"] = Nps([.. answers.Select(answer => (int)answer["score"]!)]) },
        "RATING_SCALE" => new() { ["ratingScale"] = Rating([.. answers.Select(answer => (decimal)answer["value"]!)]) },
        "MATRIX" => new() { ["matrix"] = Matrix(answers) },
        "MULTIPLE_CHOICE" => new() { ["multipleChoice"] = Choice(answers) },
        "RANK_ORDER" => new() { ["rankOrder"] = Ranking(answers) },
        "URL" => new() { ["url"] = With(Outcomes(answers), Paths(answers, "visits", "url")) },
        "FIGMA" => new() { ["figma"] = With(With(Outcomes(answers), Paths(answers, "path", "nodeId")), Figma(answers)) },
        "IMAGE" => new() { ["image"] = new JsonObject { ["images"] = Counts(answers.Select(answer => (string)answer["imageUrl"]!), "imageUrl", "answers") } },
        "WRITTEN" => new() { ["written"] = new JsonObject() },
        _ => new() { ["blank"] = new JsonObject() },
    };

    private static JsonObject Nps(List<int> scores)
    {
        var (promoters, passives, detractors) = (scores.Count(score => score >= 9), scores.Count(score => score is 7 or 8), scores.Count(score => score <= 6));
        return new JsonObject
        {
            ["score"] = Percent(promoters) - Percent(detractors),
            ["promoters"] = promoters,
            ["passives"] = passives,
            ["detractors"] = detractors,
            ["distribution"] = new JsonArray([.. Enumerable.Range(0, 11).Select(score => new JsonObject { ["score"] = score, ["count"] = scores.Count(one => one == score) })]),
        };

        int Percent(int some) => (int)Math.Round(100m * some / scores.Count, MidpointRounding.AwayFromZero);
    }

    private static JsonObject Rating(List<decimal> values) => new()
    {
        ["min"] = 1,
        ["max"] = 5,
        ["minLabel"] = "bad",
        ["maxLabel"] = "good",
        ["mean"] = Math.Round(values.Sum() / values.Count, 4, MidpointRounding.AwayFromZero),
        ["distribution"] = new JsonArray([.. values.GroupBy(value => value).OrderBy(value => value.Key).Select(value => new JsonObject { ["value"] = value.Key, ["count"] = value.Count() })]),
    };

    private static JsonObject Matrix(List<JsonNode> answers) => new()
    {
        ["rows"] = new JsonArray([.. answers.SelectMany(answer => answer["rows"]!.AsArray()).GroupBy(row => ((string)row!["id"]!, (string)row["label"]!)).OrderBy(row => row.Key).Select(row => new JsonObject
        {
            ["id"] = row.Key.Item1,
            ["label"] = row.Key.Item2,
            ["selections"] = new JsonArray([.. row.SelectMany(one => one!["selections"]!.AsArray()).GroupBy(one => ((int)one!["value"]!, (string)one["id"]!, (string)one["label"]!)).OrderBy(one => one.Key)
                .Select(one => new JsonObject { ["id"] = one.Key.Item2, ["label"] = one.Key.Item3, ["value"] = one.Key.Item1, ["count"] = one.Count() })]),
        })]),
    };

    private static JsonObject Choice(List<JsonNode> answers) => new()
    {
        ["multiSelect"] = answers.Count(answer => (bool)answer["multiSelect"]!) * 2 > answers.Count,
        ["options"] = new JsonArray([.. answers.SelectMany(answer => answer["options"]!.AsArray()).GroupBy(option => ((string)option!["id"]!, (string)option["text"]!)).OrderBy(option => option.Key)
            .Select(option => new JsonObject { ["id"] = option.Key.Item1, ["text"] = option.Key.Item2, ["count"] = option.Count(one => (bool)one!["selected"]!) })]),
        ["other"] = answers.Count(answer => answer["otherText"] is not null),
    };

    private static JsonObject Ranking(List<JsonNode> answers) => new()
    {
        ["options"] = new JsonArray([.. answers.SelectMany(answer => answer["ranking"]!.AsArray()).GroupBy(option => ((string)option!["id"]!, (string)option["text"]!)).OrderBy(option => option.Key)
            .Select(option => new JsonObject
            {
                ["id"] = option.Key.Item1,
                ["text"] = option.Key.Item2,
                ["meanRank"] = Math.Round((decimal)option.Sum(one => (int)one!["rank"]!) / option.Count(), 4, MidpointRounding.AwayFromZero),
                ["ranks"] = new JsonArray([.. option.GroupBy(one => (int)one!["rank"]!).OrderBy(rank => rank.Key).Select(rank => new JsonObject { ["rank"] = rank.Key, ["count"] = rank.Count() })]),
            })]),
    };

    private static JsonObject Outcomes(List<JsonNode> answers) => new()
    {
        ["outcomes"] = new JsonArray([.. new[] { "SUCCESS", "FAILURE", "UNKNOWN" }.Select(outcome => new JsonObject { ["outcome"] = outcome, ["count"] = answers.Count(answer => (string?)answer["outcome"] == outcome) })]),
    };

    private static JsonObject Paths(List<JsonNode> answers, string member, string step)
    {
        var paths = answers.Where(answer => answer[member]?.AsArray() is { Count: > 0 })
            .GroupBy(answer => string.Join(' ', answer[member]!.AsArray().Select(one => (string)one![step]!))).ToList();
        var shown = paths.OrderByDescending(path => path.Count()).Take(20).ToList();
        return new JsonObject
        {
            ["paths"] = new JsonArray([.. shown.Select(path => new JsonObject { ["path"] = new JsonArray([.. path.Key.Split(' ').Select(one => JsonValue.Create(one))]), ["count"] = path.Count() })]),
            ["otherPaths"] = paths.Sum(path => path.Count()) - shown.Sum(path => path.Count()),
        };
    }

    private static JsonObject Figma(List<JsonNode> answers)
    {
        var misses = answers.SelectMany(answer => answer["interactions"]!.AsArray())
            .Where(one => (string)one!["kind"]! == "MOUSE_PRESS_OR_RELEASE" && !(bool)one["handled"]!).Select(one => (string?)one!["targetNodeId"] ?? (string)one["presentedNodeId"]!);
        return new JsonObject
        {
            ["misclicks"] = Counts(misses, "nodeId", "count"),
            ["prototypes"] = new JsonArray([.. answers.GroupBy(answer => (string)answer["prototypeUrl"]!).Select(one => new JsonObject { ["url"] = one.Key, ["title"] = "Shop", ["count"] = one.Count() })]),
        };
    }

    private static JsonArray Counts(IEnumerable<string> values, string name, string count) =>
        [.. values.GroupBy(value => value).OrderByDescending(value => value.Count()).Select(value => new JsonObject { [name] = value.Key, [count] = value.Count() })];

    private static JsonObject With(JsonObject json, JsonObject more)
    {
        foreach (var (name, value) in more)
            json[name] = value?.DeepClone();
        return json;
    }
}
