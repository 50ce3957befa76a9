using System.Text.Json.Nodes;

namespace ResultsEs.Tests.OpenApi;

/// <summary>What <c>tests/tools/clients/tour.ts</c> and its likes in C# say of a session, taken from the service's JSON.</summary>
internal static class SeenByClient
{
    public static JsonObject Of(JsonObject v3, JsonObject v2)
    {
        var participant = v3["sessionParticipant"];
        return new JsonObject
        {
            ["test"] = v3["testId"]!.DeepClone(),
            ["product"] = v3["productType"]!.DeepClone(),
            ["status"] = v3["status"]!.DeepClone(),
            ["runs"] = v3["finishTime"] is null,
            ["audience"] = v3["audienceId"]?.DeepClone(),
            ["plan"] = v2["testPlanId"]?.DeepClone(),
            ["participant"] = participant?["participantId"]?.DeepClone(),
            ["demographics"] = participant is null ? null : Each(participant["demographicsInfo"]!, item => $"{Or(item["code"])} {Or(item["type"])}"),
            ["groups"] = Each(v3["taskGroups"]!, group => $"{group["type"]} {Or(group["response"]?["score"] ?? group["response"]?["sequence"])}"),
            ["v3"] = Each(v3["tasks"]!, task => $"{task["type"]} {Answer(task["response"]!)}"),
            ["v2"] = Each(v2["sessionTaskResults"]!, task =>
                $"{task["taskType"]} {Or(task["taskResponse"]?["score"] ?? task["taskResponse"]?["outcome"] ?? task["taskResponse"]?["reason"] ?? task["taskResponse"]?["text"])}"),
        };
    }

    private static string Answer(JsonNode response)
    {
        if ((bool)response["skipped"]!)
            return "skipped";
        if (response["answer"] is not JsonObject answer)
            return "-";

        var (key, it) = answer.Single();
        return key switch
        {
            "written" => Or(it!["text"]),
            "nps" => $"{it!["score"]} {it["category"]}",
            "ratingScale" => $"{it!["value"]} {Or(it["minLabel"])}",
            "multipleChoice" => $"{string.Join(',', it!["options"]!.AsArray().Where(option => (bool)option!["selected"]!).Select(option => option!["id"]))} {Or(it["maxLimit"])}",
            "rankOrder" => string.Join(',', it!["ranking"]!.AsArray().Select(option => option!["rank"])),
            "matrix" => $"{it!["rows"]!.AsArray().Count} {Or(it["rows"]![0]!["selections"]![0]!["value"])}",
            "url" => $"{it!["outcome"]} {Or(it["finalUrl"])}",
            "image" => $"{it!["annotations"]!.AsArray().Count} {Or(it["annotations"]![0]!["width"])}",
            "figma" => $"{it!["misclickCount"]} {Or(it["outcome"])}",
            "blank" => "blank",
            _ => "none",
        };
    }

    private static JsonArray Each(JsonNode items, Func<JsonNode, string> say) => [.. items.AsArray().Select(item => (JsonNode)say(item!))];

    private static string Or(JsonNode? value) => value?.ToString() ?? "-";
}
