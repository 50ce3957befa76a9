using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace ResultsEs.Contracts;

/// <summary>
/// A decimal that is stored as it was sent. System.Text.Json's own converter rounds what does not fit; this one refuses it.
/// </summary>
public sealed class ExactDecimalConverter : JsonConverter<decimal>
{
    /// <summary>The message for a number that a decimal cannot hold exactly.</summary>
    public const string Problem = "must be a number of at most 28 digits, before and after the point together; it is not rounded";

    // Of so many characters, all digits fit.
    private const int AlwaysFits = 28;

    /// <inheritdoc/>
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number)
            throw new JsonException("must be a number");

        var spelling = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
        if (spelling.Length <= AlwaysFits && !spelling.ContainsAny("eE"u8))
            return reader.GetDecimal();
        return new JsonNumber(spelling).TryRead(out var value) ? value : throw new JsonException(Problem);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}

/// <summary>
/// A whole number in any spelling, as in JSON Schema: <c>1</c>, <c>1.0</c>, <c>1e0</c> and <c>10e-1</c> are the same. It is written
/// as <c>1</c>.
/// </summary>
/// <typeparam name="T">An integer of at most 64 bits.</typeparam>
public sealed class WholeNumberConverter<T> : JsonConverter<T>
    where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
{
    private const string NotWhole = "must be a whole number";

    private static readonly (long Least, long Greatest) Range = (long.CreateChecked(T.MinValue), long.CreateChecked(T.MaxValue));

    private static readonly string OutOfRange =
        string.Create(CultureInfo.InvariantCulture, $"{NotWhole} from {Range.Least} to {Range.Greatest}");

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number)
            throw new JsonException(NotWhole);

        if (!reader.TryGetInt64(out var value))
        {
            var number = new JsonNumber(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan);
            if (!number.IsWhole)
                throw new JsonException(NotWhole);
            if (!number.TryRead(out var exact) || exact < Range.Least || exact > Range.Greatest)
                throw new JsonException(OutOfRange);
            value = (long)exact;
        }

        return value >= Range.Least && value <= Range.Greatest ? T.CreateChecked(value) : throw new JsonException(OutOfRange);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(long.CreateChecked(value));
}
