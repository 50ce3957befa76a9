namespace ResultsEs.Common;

/// <summary>
/// The slow check of refused or suspicious JSON. It names all that does not fit a record: missing and null members, wrong types, and what
/// cannot be stored. It walks the serializer's own contracts, so the two cannot disagree.
/// </summary>
internal sealed class WireShape
{
    private readonly JsonPath _path;
    private readonly ProblemList _unstorable = new();
    private readonly ProblemList _longNumbers = new();
    private readonly ProblemList _misfits = new();

    // Numbers that are too long, and of which a misfit is told: what a member can hold is less than what any number can be.
    private int _longMisfits;

    private WireShape(string path) => _path = new JsonPath(path);

    /// <summary>The problems of <paramref name="json"/> as a <paramref name="type"/>. <paramref name="path"/> leads to it.</summary>
    public static ProblemList Problems(ReadOnlySpan<byte> json, JsonTypeInfo type, string path)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Json.Options.MaxDepth });
        var value = JsonElement.ParseValue(ref reader);
        var walk = new WireShape(path);
        walk.FindUnstorable(value);
        if (walk._unstorable.Count > 0)
        {
            walk._unstorable.Add(walk._longNumbers.Count, walk._longNumbers.Named);
            return walk._unstorable;
        }

        walk.FindRepeated(value);
        if (walk._misfits.Count == 0)
            walk.FindMisfits(value, type);
        var misfits = walk._misfits;
        var named = misfits.Named.Select(problem => problem.Path).ToHashSet(StringComparer.Ordinal);
        misfits.Add(
            walk._longNumbers.Count - walk._longMisfits, walk._longNumbers.Named.Where(problem => !named.Contains(problem.Path)));
        return misfits;
    }

    private void FindUnstorable(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    if (TryGet(() => member.Name) is not { } name)
                    {
                        _unstorable.Add(_path, $"has a member whose name {JsonText.Unstorable}");
                        continue;
                    }

                    var outside = _path.Enter(name);
                    FindUnstorable(member.Value);
                    _path.Leave(outside);
                }

                break;
            case JsonValueKind.Array:
                ForEachItem(value, FindUnstorable);
                break;
            case JsonValueKind.String when TryGet(() => value.GetString()!) is null:
                _unstorable.Add(_path, JsonText.Unstorable);
                break;
            case JsonValueKind.Number when IsLong(value):
                _longNumbers.Add(_path, JsonText.LongNumber);
                break;
        }
    }

    private void FindRepeated(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
            ForEachItem(value, FindRepeated);
        if (value.ValueKind != JsonValueKind.Object)
            return;

        foreach (var members in value.EnumerateObject().GroupBy(member => member.Name, StringComparer.Ordinal))
        {
            var outside = _path.Enter(members.Key);
            if (members.Skip(1).Any())
                _misfits.Add(_path, "must be there once");
            foreach (var member in members)
                FindRepeated(member.Value);
            _path.Leave(outside);
        }
    }

    private void FindMisfits(JsonElement value, JsonTypeInfo type)
    {
        if (type.Type == typeof(Answer) && AnswerType(value) is { } answer)
            type = answer;

        if (value.ValueKind == JsonValueKind.Null)
            AddMisfit(value, "must not be null");
        else if (type.Kind == JsonTypeInfoKind.Object && value.ValueKind != JsonValueKind.Object)
            AddMisfit(value, "must be an object");
        else if (type.Kind == JsonTypeInfoKind.Object)
            FindMemberMisfits(value, type);
        else if (type.Kind == JsonTypeInfoKind.Enumerable && value.ValueKind != JsonValueKind.Array)
            AddMisfit(value, "must be an array");
        else if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            var itemType = Json.Options.GetTypeInfo(type.ElementType!);
            ForEachItem(value, item => FindMisfits(item, itemType));
        }
        else if (MisfitOf(value, type) is { } message)
            AddMisfit(value, message);
    }

    private void FindMemberMisfits(JsonElement value, JsonTypeInfo type)
    {
        foreach (var member in type.Properties.Where(member => member is { Set: not null, IsExtensionData: false }))
        {
            var outside = _path.Enter(member.Name);
            if (!value.TryGetProperty(member.Name, out var memberValue))
            {
                if (member.IsRequired)
                    _misfits.Add(_path, "is required");
            }
            else if (memberValue.ValueKind != JsonValueKind.Null || !member.IsSetNullable)
            {
                var memberType = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
                FindMisfits(memberValue, Json.Options.GetTypeInfo(memberType));
            }

            _path.Leave(outside);
        }
    }

    private void AddMisfit(JsonElement value, string message)
    {
        _misfits.Add(_path, message);
        _longMisfits += value.ValueKind == JsonValueKind.Number && IsLong(value) ? 1 : 0;
    }

    private void ForEachItem(JsonElement list, Action<JsonElement> find)
    {
        foreach (var (index, item) in list.EnumerateArray().Index())
        {
            var outside = _path.Enter(index);
            find(item);
            _path.Leave(outside);
        }
    }

    private static bool IsLong(JsonElement number) => !JsonText.IsStorableNumber(Encoding.UTF8.GetBytes(number.GetRawText()));

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

    private static string? MisfitOf(JsonElement value, JsonTypeInfo type)
    {
        try
        {
            value.Deserialize(type);
            return null;
        }
        catch (JsonException e)
        {
            // The messages of our own converters begin so.
            return e.Message.StartsWith("must ", StringComparison.Ordinal) ? e.Message : Expected(type.Type);
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
