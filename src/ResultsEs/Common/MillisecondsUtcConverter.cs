namespace ResultsEs.Common;

/// <summary>A time in UTC with milliseconds and <c>Z</c>, as in every response of the API.</summary>
internal sealed class MillisecondsUtcConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The format of such a time, for a value in UTC.</summary>
    public const string Format = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>The length of such a time.</summary>
    public const int Length = 24;

    /// <summary>The text of a time.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<char> text = stackalloc char[Length];
        value.UtcDateTime.TryFormat(text, out _, Format, CultureInfo.InvariantCulture);
        writer.WriteStringValue(text);
    }
}
