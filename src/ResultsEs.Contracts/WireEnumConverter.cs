using System.Text.Json;
using System.Text.Json.Serialization;

namespace ResultsEs.Contracts;

/// <summary>A closed enumeration as the contract spells it: <c>NON_THINK_OUT_LOUD</c>, never a number.</summary>
/// <typeparam name="T">The enumeration, whose members are the names in Pascal case.</typeparam>
public sealed class WireEnumConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly Dictionary<T, string> Names =
        Enum.GetValues<T>().ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseUpper.ConvertName(value.ToString()));

    private static readonly Dictionary<string, T> Values =
        Names.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>All values as the contract spells them.</summary>
    public static IReadOnlyCollection<string> AllNames => Names.Values;

    /// <summary>The value that the contract spells so.</summary>
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
