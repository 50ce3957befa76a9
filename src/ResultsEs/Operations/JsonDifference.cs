using System.Text.Json.Nodes;

namespace ResultsEs.Operations;

/// <summary>A place at which two JSON values differ.</summary>
/// <param name="Path">Where: members by name, items by place, or by their <c>uuid</c> where they have one: <c>tasks[8b7f…].text</c>.</param>
/// <param name="Before">What stood there; null when there was nothing.</param>
/// <param name="After">What stands there; null when there is nothing.</param>
internal sealed record JsonDifference(string Path, JsonNode? Before, JsonNode? After)
{
    /// <summary>JSON's own null, to tell it from nothing.</summary>
    private static readonly JsonNode Null = JsonValue.Create("null");

    private const string Key = "uuid";

    /// <summary>The places, in the order of the second value and then of what only the first has. Whole values are told where one side has nothing.</summary>
    public static IReadOnlyList<JsonDifference> Of(JsonNode? before, JsonNode? after)
    {
        var differences = new List<JsonDifference>();
        Add("", before, after, differences);
        return differences;
    }

    /// <summary>As a line: <c>+</c> for what came, <c>-</c> for what went, <c>~</c> for what changed.</summary>
    public override string ToString() => (Before, After) switch
    {
        (null, not null) => $"+ {Path}: {Text(After)}",
        (not null, null) => $"- {Path}: {Text(Before)}",
        _ => $"~ {Path}: {Text(Before)} → {Text(After)}",
    };

    private static string Text(JsonNode? node) => ReferenceEquals(node, Null) ? "null" : node!.ToJsonString(Json.Options);

    private static void Add(string path, JsonNode? before, JsonNode? after, List<JsonDifference> differences)
    {
        switch (before, after)
        {
            case (JsonObject left, JsonObject right):
                foreach (var name in right.Concat(left).Select(member => member.Key).Distinct(StringComparer.Ordinal))
                    AddMember(path.Length == 0 ? name : $"{path}.{name}", left.TryGetPropertyValue(name, out var a), a, right.TryGetPropertyValue(name, out var b), b, differences);
                break;
            case (JsonArray left, JsonArray right):
                // Items by their key, so that one that comes between others is one difference and not many.
                var keyed = HasKeys(left) && HasKeys(right);
                var (was, isNow) = (ByKey(left, keyed), ByKey(right, keyed));
                foreach (var key in isNow.Keys.Concat(was.Keys).Distinct(StringComparer.Ordinal))
                    AddMember($"{path}[{key}]", was.TryGetValue(key, out var a), a, isNow.TryGetValue(key, out var b), b, differences);
                break;
            default:
                if (!JsonNode.DeepEquals(before, after))
                    differences.Add(new(path, before ?? Null, after ?? Null));
                break;
        }
    }

    private static void AddMember(string path, bool wasThere, JsonNode? before, bool isThere, JsonNode? after, List<JsonDifference> differences)
    {
        if (wasThere && isThere)
            Add(path, before, after, differences);
        else
            differences.Add(new(path, wasThere ? before ?? Null : null, isThere ? after ?? Null : null));
    }

    private static bool HasKeys(JsonArray items)
    {
        var keys = items.Select(KeyOf).ToList();
        return keys.All(key => key is not null) && keys.Distinct(StringComparer.Ordinal).Count() == keys.Count;
    }

    private static string? KeyOf(JsonNode? item) => (item as JsonObject)?[Key] is JsonValue value && value.TryGetValue<string>(out var key) ? key : null;

    private static Dictionary<string, JsonNode?> ByKey(JsonArray items, bool keyed) => items.Select((item, index) => (item, index)).ToDictionary(
        pair => keyed ? KeyOf(pair.item)! : pair.index.ToString(System.Globalization.CultureInfo.InvariantCulture), pair => pair.item, StringComparer.Ordinal);
}
