namespace ResultsEs.Rebuilding;

/// <summary>
/// A place at which two JSON values differ, and whether each has something there: null may be JSON's own. The path names members,
/// and items by place, or by <c>uuid</c> where all have one: <c>tasks[8b7f…].text</c>.
/// </summary>
internal sealed record JsonDifference(string Path, bool WasThere, JsonNode? Before, bool IsThere, JsonNode? After)
{
    /// <summary>Compares two values (null: none), in the order of the second, then the first. What one lacks is one difference.</summary>
    public static IReadOnlyList<JsonDifference> Of(JsonNode? before, JsonNode? after)
    {
        if (before is null || after is null)
            return before is null && after is null ? [] : [new("", before is not null, before, after is not null, after)];
        return [.. Between("", before, after)];
    }

    /// <summary>The difference as a line: <c>+</c> for added, <c>-</c> for removed, <c>~</c> for changed.</summary>
    public override string ToString() => (WasThere, IsThere) switch
    {
        (false, _) => $"+ {Path}: {Text(After)}",
        (_, false) => $"- {Path}: {Text(Before)}",
        _ => $"~ {Path}: {Text(Before)} → {Text(After)}",
    };

    private static string Text(JsonNode? node) => node?.ToJsonString(Json.Options) ?? "null";

    private static IEnumerable<JsonDifference> Between(string path, JsonNode? before, JsonNode? after)
    {
        switch (before, after)
        {
            case (JsonObject left, JsonObject right):
                var prefix = path.Length == 0 ? "" : path + ".";
                var (was, current) = (left.ToDictionary(StringComparer.Ordinal), right.ToDictionary(StringComparer.Ordinal));
                return BetweenParts(was, current, name => prefix + name);
            case (JsonArray left, JsonArray right):
                // Items are paired by key, so that an inserted item is one difference.
                var keyed = HasKeys(left) && HasKeys(right);
                return BetweenParts(ByKey(left, keyed), ByKey(right, keyed), key => $"{path}[{key}]");
            default:
                return JsonNode.DeepEquals(before, after) ? [] : [new(path, WasThere: true, before, IsThere: true, after)];
        }
    }

    private static IEnumerable<JsonDifference> BetweenParts(
        Dictionary<string, JsonNode?> before, Dictionary<string, JsonNode?> after, Func<string, string> pathOf) =>
        after.Keys.Concat(before.Keys).Distinct(StringComparer.Ordinal).SelectMany(key =>
        {
            var (wasThere, isThere) = (before.TryGetValue(key, out var left), after.TryGetValue(key, out var right));
            return wasThere && isThere ? Between(pathOf(key), left, right) : [new(pathOf(key), wasThere, left, isThere, right)];
        });

    private static bool HasKeys(JsonArray items)
    {
        var keys = items.Select(KeyOf).ToList();
        return keys.All(key => key is not null) && keys.Distinct(StringComparer.Ordinal).Count() == keys.Count;
    }

    private static string? KeyOf(JsonNode? item) =>
        (item as JsonObject)?["uuid"] is JsonValue value && value.TryGetValue<string>(out var key) ? key : null;

    private static Dictionary<string, JsonNode?> ByKey(JsonArray items, bool keyed) => items.Index().ToDictionary(
        pair => keyed ? KeyOf(pair.Item)! : pair.Index.ToString(CultureInfo.InvariantCulture), pair => pair.Item, StringComparer.Ordinal);
}
