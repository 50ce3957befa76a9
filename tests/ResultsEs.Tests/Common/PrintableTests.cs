using System.Text;
using System.Text.Json;
using CsCheck;
using ResultsEs.Common;

namespace ResultsEs.Tests.Common;

/// <summary>What senders wrote is shown as text: no terminal obeys it, no line is forged, and what is long is cut.</summary>
public sealed class PrintableTests
{
    private static readonly Gen<string> AnyCharacter = Gen.OneOf(
        Gen.Int[0, 0x2FF].Select(code => ((char)code).ToString()), Gen.Int[0x2000, 0x2070].Select(code => ((char)code).ToString()),
        Gen.Const("😀"), Gen.Const("語"), Gen.Const("\ufeff"));

    private static readonly Gen<string> ValidText = AnyCharacter.Array[0, 60].Select(string.Concat);

    private static readonly Gen<string> AnyText = Gen.OneOf(AnyCharacter, Gen.Const("\ud800")).Array[0, 60].Select(string.Concat);

    [Theory]
    [InlineData("plain 語 😀 \"x\" \\", "plain 語 😀 \"x\" \\")]
    [InlineData("\u001b[2J\u001b]0;x\u0007", @"\u001b[2J\u001b]0;x\u0007")]
    [InlineData("a\nb\tc\r\n", @"a\u000ab\u0009c\u000d\u000a")]
    [InlineData("\u007f\u0080\u009b31m\u009f\u00a0", "\\u007f\\u0080\\u009b31m\\u009f\u00a0")]
    [InlineData("\u202eevil\u202c \u2066x\u2069 \u200f\u061c\u2028\u2029", @"\u202eevil\u202c \u2066x\u2069 \u200f\u061c\u2028\u2029")]
    public void A_line_shows_its_controls(string text, string shown)
    {
        Assert.Equal((shown, text == shown), (Printable.Line(text), Printable.IsLine(text)));
        Assert.Equal(text.Contains('\n', StringComparison.Ordinal), Printable.Lines(text).Contains('\n', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc…")]
    [InlineData("ab😀", 3, "ab…")]
    [InlineData("a😀b", 3, "a😀…")]
    [InlineData("\n\nb", 2, @"\u000a\u000a…")]
    public void An_excerpt_ends_between_characters(string text, int most, string excerpt) => Assert.Equal(excerpt, Printable.Excerpt(text, most));

    [Fact]
    public void Nothing_gets_through() => Gen.Select(Gen.OneOf(ValidText, AnyText), Gen.Int[1, 40]).Sample((text, most) =>
    {
        var excerpt = Printable.Excerpt(text, most);
        Assert.True(Printable.IsLine(excerpt) && Printable.IsLine(Printable.Line(text)));
        Assert.DoesNotContain(excerpt, char.IsControl);
        Assert.InRange(excerpt.Length, 0, (6 * most) + 1);
        if (!text.Contains('\ud800', StringComparison.Ordinal))
            Assert.Equal(excerpt, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(excerpt)));
    });

    [Fact]
    public void JSON_says_the_same() => ValidText.Sample(text =>
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(text, Json.Options.GetTypeInfo(typeof(string)));
        Assert.Equal(text, JsonSerializer.Deserialize<string>(Printable.JsonLine(json)));
    });
}
