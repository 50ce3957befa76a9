using System.Globalization;
using System.Numerics;
using System.Text;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Contracts;

namespace ResultsEs.Tests.Common;

/// <summary>Numbers as they are spelled: what they are exactly, and how PostgreSQL writes them.</summary>
public sealed class JsonNumberTests(AppFixture app)
{
    private static readonly BigInteger MaxDecimal = BigInteger.Pow(2, 96) - 1;

    private static readonly Gen<string> Digits = Gen.Int[0, 9].Select(digit => digit < 5 ? '0' : (char)('0' + digit)).Array[1, 32].Select(digits => new string(digits));

    private static readonly Gen<string> Spelling = Gen.Select(
        Gen.Bool, Digits, Digits.Null(), Gen.Int[-40, 40].Select(exponent => exponent % 3 == 0 ? (int?)null : exponent), Gen.Int[0, 3],
        (isNegative, whole, fraction, exponent, style) =>
        {
            var text = (isNegative ? "-" : "") + (whole.TrimStart('0') is { Length: > 0 } significant ? significant : "0") + (fraction is null ? "" : "." + fraction);
            return exponent is not { } e ? text
                : string.Create(CultureInfo.InvariantCulture, $"{text}{(style < 2 ? 'e' : 'E')}{(style % 2 == 0 && e >= 0 ? "+" : "")}{e}");
        });

    [Fact]
    public void A_number_is_read_exactly_or_not_at_all() => Spelling.Sample(text =>
    {
        var (mantissa, exponent) = Exactly(text);
        var number = new JsonNumber(Encoding.ASCII.GetBytes(text));
        var isRead = number.TryRead(out var value);
        for (; exponent > 0; exponent--)
            mantissa *= 10;

        Assert.Equal(exponent == 0, number.IsWhole);
        Assert.Equal(BigInteger.Abs(mantissa) <= MaxDecimal && exponent >= -28, isRead);
        if (isRead)
            Assert.Equal(mantissa, new BigInteger(value * 1) * BigInteger.Pow(10, -exponent) + Fraction(value, -exponent));
    }, iter: 20_000);

    /// <summary>The limit of an event's size counts numbers so.</summary>
    [Fact]
    public async Task No_number_is_stored_longer_than_it_is_counted()
    {
        await using var command = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select length(text::jsonb::text) from unnest($1::text[]) with ordinality t(text, i) order by i");
        string[] texts =
        [
            "0", "-0", "0.0", "0e5", "0e-5", "-0.0e-300", "1e300", "-1e300", "1e-300", "1.5e1", "1.5e0", "0.5e2", "0.05e1", "12e-1", "12e-2", "12e-5", "1.50E+3", "1e+0007",
            "7", "-7.25", new('9', 200), "1.7976931348623157e308", "5e-324", "-4.9406564584124654e-324", .. Spelling.Array[200].Single(),
        ];
        command.Parameters.Add(new() { Value = texts });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        foreach (var text in texts)
        {
            Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
            var counted = new JsonNumber(Encoding.ASCII.GetBytes(text)).PlainLength;
            Assert.True(reader.GetInt32(0) <= counted, $"{text}: {counted}");
            if (text.TrimStart('-')[0] != '0')
                Assert.Equal(reader.GetInt32(0), counted);
        }
    }

    [Theory]
    [InlineData("1e99999999999999999999", 1_000_000_001)]
    [InlineData("1e-99999999999999999999", 1_000_000_002)]
    public void Exponents_beyond_all_bounds_are_counted_as_very_long(string text, long length)
    {
        var number = new JsonNumber(Encoding.ASCII.GetBytes(text));
        Assert.Equal(length, number.PlainLength);
        Assert.False(number.TryRead(out _));
    }

    private static (BigInteger Mantissa, int Exponent) Exactly(string text)
    {
        var parts = text.Split('e', 'E');
        var digits = parts[0].Split('.');
        var exponent = (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0) - (digits.Length > 1 ? digits[1].Length : 0);
        var mantissa = BigInteger.Parse(string.Concat(digits), CultureInfo.InvariantCulture);
        if (mantissa.IsZero)
            return (0, 0);
        for (; (mantissa % 10).IsZero; exponent++)
            mantissa /= 10;
        return (mantissa, exponent);
    }

    /// <summary>The digits behind the point, as a whole number.</summary>
    private static BigInteger Fraction(decimal value, int digits)
    {
        var fraction = value - decimal.Truncate(value);
        for (; digits > 0; digits--)
            fraction *= 10;
        return new BigInteger(fraction);
    }
}
