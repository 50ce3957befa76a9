namespace ResultsEs.Contracts;

/// <summary>A closed enumeration in upper snake case on the wire: <c>NON_THINK_OUT_LOUD</c>, never a number.</summary>
/// <typeparam name="T">The enumeration, whose members are in Pascal case.</typeparam>
public sealed class WireEnumConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly Dictionary<T, string> Names =
        Enum.GetValues<T>().ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseUpper.ConvertName(value.ToString()));

    private static readonly Dictionary<string, T> Values =
        Names.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>The wire names of all values.</summary>
    public static IReadOnlyCollection<string> AllNames => Names.Values;

    /// <summary>Returns the value with a wire name.</summary>
    public static T Value(string name) => Values[name];

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"must be one of {string.Join(", ", Names.Values)}");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Names[value]);
}
