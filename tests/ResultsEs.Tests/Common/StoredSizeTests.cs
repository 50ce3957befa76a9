using System.Text;
using System.Text.Json;
using CsCheck;
using ResultsEs.Common;

namespace ResultsEs.Tests.Common;

/// <summary>The size of JSON as it is stored does not depend on how it was written.</summary>
public sealed class StoredSizeTests
{
    private static readonly string[] Pieces =
        ["a", "é", "и", "語", "😀", "𞤀", "\"", "\\", "/", "\n", "\r", "\t", "\b", "\f", "\u0001", "\u001f", "\u007f", "\u2028", "\ud7ff", "\ue000", "\uffff"];

    private static readonly Gen<string> AnyText = Gen.Int[0, Pieces.Length - 1].Array[0, 12].Select(pieces => string.Concat(pieces.Select(i => Pieces[i])));

    [Fact]
    public void Escapes_and_blanks_do_not_count() => Gen.Select(AnyText, AnyText).Sample((name, text) =>
    {
        var size = Encoding.UTF8.GetByteCount($"{{{Stored(name)}:[{Stored(text)},{{}},[],null,true,false,-1.50]}}");
        foreach (var write in (Func<string, string>[])[Stored, EveryUnitEscaped, static value => JsonSerializer.Serialize(value)])
            Assert.Equal(size, StoredSize.Of(Encoding.UTF8.GetBytes($" {{ {write(name)} : [ {write(text)}\n,\t{{ }} , [ ],null , true, false ,-1.50 ] }} ")));
    });

    [Theory]
    [InlineData("1", 1)]
    [InlineData("[1,2]", 5)]
    [InlineData("[ [ ] , { } ]", 7)]
    [InlineData("{\"a\":1,\"b\":[true]}", 18)]
    [InlineData("[1e5,1E-5,-2.50e1]", 22)]
    public void A_value_has_a_size(string json, int size) => Assert.Equal(size, StoredSize.Of(Encoding.UTF8.GetBytes(json)));

    /// <summary>As <c>jsonb</c> writes it.</summary>
    private static string Stored(string text) => "\"" + string.Concat(text.Select(unit => unit switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => $"\\u{(int)unit:x4}",
        _ => unit.ToString(),
    })) + "\"";

    private static string EveryUnitEscaped(string text) => "\"" + string.Concat(text.Select(unit => $"\\u{(int)unit:X4}")) + "\"";
}
