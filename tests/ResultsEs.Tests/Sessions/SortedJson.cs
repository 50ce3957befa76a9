using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>JSON whose members are in one order, so that texts can be compared: the order of members means nothing.</summary>
internal static class SortedJson
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Text(JsonNode? json) => (Sorted(json)?.ToJsonString(Indented) ?? "null") + "\n";

    public static string Text(string json) => Text(JsonNode.Parse(json));

    /// <summary>Compares whole values.</summary>
    public static void Equal(string expected, JsonNode? actual) => Assert.Equal(Text(expected), Text(actual));

    private static JsonNode? Sorted(JsonNode? json) => json switch
    {
        JsonObject members => new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal)
            .Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => json?.DeepClone(),
    };
}
