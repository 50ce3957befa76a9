namespace ResultsEs.Contracts;

/// <summary>
/// Reads and writes answers by their <c>type</c>, at any place in the object, because <c>jsonb</c> reorders members. An unknown type is
/// kept whole; System.Text.Json's own polymorphism would refuse it.
/// </summary>
public sealed class AnswerConverter : JsonConverter<Answer>
{
    /// <inheritdoc/>
    public override Answer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        AnswerTypes.Find(TypeOf(reader)) is { } record
            ? (Answer)JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(record))!
            : new UnrecognizedAnswer((JsonElement)JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(typeof(JsonElement)))!);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Answer value, JsonSerializerOptions options)
    {
        if (value is UnrecognizedAnswer unrecognized)
            unrecognized.Json.WriteTo(writer);
        else
            JsonSerializer.Serialize(writer, value, options.GetTypeInfo(value.GetType()));
    }

    private static string TypeOf(Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("must be an object with a type");

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (!found)
                reader.Skip();
            else if (reader.TokenType == JsonTokenType.String && reader.GetString() is { Length: > 0 } type)
                return type;
            else
                break;
        }

        throw new JsonException("must have a type, such as NPS");
    }
}
