using System.Text.Json.Nodes;
using ResultsEs.Common;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>A place at which two JSON values differ.</summary>
/// <param name="Path">Where: members by name, items by place, or by their <c>uuid</c> where they have one: <c>tasks[8b7f…].text</c>.</param>
/// <param name="WasThere">Whether anything stood there.</param>
/// <param name="Before">What stood there; null is JSON's own.</param>
/// <param name="IsThere">Whether anything stands there.</param>
/// <param name="After">What stands there; null is JSON's own.</param>
internal sealed record JsonDifference(string Path, bool WasThere, JsonNode? Before, bool IsThere, JsonNode? After)
{
    private const string Key = "uuid";

    /// <summary>
    /// The places, in the order of the second value and then of what only the first has. Whole values are told where one side has nothing. Null is no
    /// value at all.
    /// </summary>
    public static IReadOnlyList<JsonDifference> Of(JsonNode? before, JsonNode? after)
    {
        var differences = new List<JsonDifference>();
        if (before is not null || after is not null)
            AddMember("", before is not null, before, after is not null, after, differences);
        return differences;
    }

    /// <summary>As a line: <c>+</c> for what came, <c>-</c> for what went, <c>~</c> for what changed.</summary>
    public override string ToString() => (WasThere, IsThere) switch
    {
        (false, _) => $"+ {Path}: {Text(After)}",
        (_, false) => $"- {Path}: {Text(Before)}",
        _ => $"~ {Path}: {Text(Before)} → {Text(After)}",
    };

    private static string Text(JsonNode? node) => node?.ToJsonString(Json.Options) ?? "null";

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
                    differences.Add(new(path, WasThere: true, before, IsThere: true, after));
                break;
        }
    }

    private static void AddMember(string path, bool wasThere, JsonNode? before, bool isThere, JsonNode? after, List<JsonDifference> differences)
    {
        if (wasThere && isThere)
            Add(path, before, after, differences);
        else
            differences.Add(new(path, wasThere, before, isThere, after));
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
