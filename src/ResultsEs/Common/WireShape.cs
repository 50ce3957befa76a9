namespace ResultsEs.Common;

/// <summary>
/// The slow check of refused or suspicious JSON. It names all that does not fit a record: missing and null members, wrong types, and what
/// cannot be stored. It walks the serializer's own contracts, so the two cannot disagree.
/// </summary>
internal static class WireShape
{
    /// <summary>The most fields of an event that are named as wrong.</summary>
    public const int MaxProblems = 100;

    /// <summary>Lists the problems of <paramref name="json"/> as a <paramref name="type"/>, by JSON path.</summary>
    public static List<(string Path, string Message)> Problems(ReadOnlySpan<byte> json, JsonTypeInfo type, string path)
    {
        var problems = new List<(string Path, string Message)>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Json.Options.MaxDepth });
        var value = JsonElement.ParseValue(ref reader);
        AddUnstorable(value, path, problems);
        if (problems.Exists(problem => problem.Message != JsonText.LongNumber))
            return problems;

        var misfits = new List<(string Path, string Message)>();
        AddRepeated(value, path, misfits);
        if (misfits.Count == 0)
            AddMisfits(value, type, path, misfits);
        // What a member can hold is less than what any number can be.
        var named = misfits.Select(problem => problem.Path).ToHashSet(StringComparer.Ordinal);
        return [.. misfits, .. problems.Where(problem => !named.Contains(problem.Path))];
    }

    // One more than is named, so that the caller knows that there are more.
    private static bool IsEnough(List<(string Path, string Message)> problems) => problems.Count > MaxProblems;

    private static void AddUnstorable(JsonElement value, string path, List<(string Path, string Message)> problems)
    {
        if (IsEnough(problems))
            return;

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    if (TryGet(() => member.Name) is { } name)
                        AddUnstorable(member.Value, $"{path}.{name}", problems);
                    else
                        problems.Add((path, $"has a member whose name {JsonText.Unstorable}"));
                }

                break;
            case JsonValueKind.Array:
                foreach (var (index, item) in value.EnumerateArray().Index())
                    AddUnstorable(item, $"{path}[{index}]", problems);
                break;
            case JsonValueKind.String when TryGet(() => value.GetString()!) is null:
                problems.Add((path, JsonText.Unstorable));
                break;
            case JsonValueKind.Number when !JsonText.IsStorableNumber(Encoding.UTF8.GetBytes(value.GetRawText())):
                problems.Add((path, JsonText.LongNumber));
                break;
        }
    }

    private static void AddRepeated(JsonElement value, string path, List<(string Path, string Message)> problems)
    {
        if (IsEnough(problems))
            return;

        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var members in value.EnumerateObject().GroupBy(member => member.Name, StringComparer.Ordinal))
            {
                if (members.Count() > 1)
                    problems.Add(($"{path}.{members.Key}", "must be there once"));
                foreach (var member in members)
                    AddRepeated(member.Value, $"{path}.{members.Key}", problems);
            }
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var (index, item) in value.EnumerateArray().Index())
                AddRepeated(item, $"{path}[{index}]", problems);
        }
    }

    private static string? TryGet(Func<string> text)
    {
        try
        {
            return text() is var value && JsonText.IsStorable(value) ? value : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static void AddMisfits(JsonElement value, JsonTypeInfo type, string path, List<(string Path, string Message)> problems)
    {
        if (IsEnough(problems))
            return;

        if (type.Type == typeof(Answer) && AnswerType(value) is { } answer)
            type = answer;

        if (value.ValueKind == JsonValueKind.Null)
            problems.Add((path, "must not be null"));
        else if (type.Kind == JsonTypeInfoKind.Object && value.ValueKind != JsonValueKind.Object)
            problems.Add((path, "must be an object"));
        else if (type.Kind == JsonTypeInfoKind.Object)
            AddMemberMisfits(value, type, path, problems);
        else if (type.Kind == JsonTypeInfoKind.Enumerable && value.ValueKind != JsonValueKind.Array)
            problems.Add((path, "must be an array"));
        else if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            var itemType = Json.Options.GetTypeInfo(type.ElementType!);
            foreach (var (index, item) in value.EnumerateArray().Index())
                AddMisfits(item, itemType, $"{path}[{index}]", problems);
        }
        else
            AddMisfit(value, type, path, problems);
    }

    private static void AddMemberMisfits(JsonElement value, JsonTypeInfo type, string path, List<(string Path, string Message)> problems)
    {
        foreach (var member in type.Properties.Where(member => member is { Set: not null, IsExtensionData: false }))
        {
            var memberPath = $"{path}.{member.Name}";
            if (!value.TryGetProperty(member.Name, out var memberValue))
            {
                if (member.IsRequired)
                    problems.Add((memberPath, "is required"));
            }
            else if (memberValue.ValueKind != JsonValueKind.Null || !member.IsSetNullable)
            {
                var memberType = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
                AddMisfits(memberValue, Json.Options.GetTypeInfo(memberType), memberPath, problems);
            }
        }
    }

    private static void AddMisfit(JsonElement value, JsonTypeInfo type, string path, List<(string Path, string Message)> problems)
    {
        try
        {
            value.Deserialize(type);
        }
        catch (JsonException e)
        {
            // The messages of our own converters begin so.
            problems.Add((path, e.Message.StartsWith("must ", StringComparison.Ordinal) ? e.Message : Expected(type.Type)));
        }
    }

    private static JsonTypeInfo? AnswerType(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object
        && value.TryGetProperty("type", out var type)
        && type.ValueKind == JsonValueKind.String
        && AnswerTypes.Find(type.GetString()!) is { } record
            ? Json.Options.GetTypeInfo(record)
            : null;

    private static string Expected(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 or TypeCode.Int64 => "must be a whole number",
        TypeCode.Decimal => "must be a number",
        TypeCode.Boolean => "must be true or false",
        TypeCode.String => "must be a string",
        _ => type == typeof(Guid) ? "must be a UUID" : "must have another type",
    };
}
