using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Rebuilding;

namespace ResultsEs.Tests.Rebuilding;

/// <summary>Where two JSON values differ.</summary>
public sealed class JsonDifferenceTests
{
    private static readonly Gen<string> AnyJson = Gen.Recursive<string>((depth, any) => depth > 3
        ? Gen.Int[0, 3].Select(n => $"{n}")
        : Gen.OneOf(
            Gen.Int[0, 3].Select(n => $"{n}"),
            Gen.Const("null"),
            Gen.Bool.Select(value => value ? "\"a\"" : "true"),
            any.Array[0, 3].Select(items => $"[{string.Join(',', items)}]"),
            any.Array[0, 3].Select(items => $"{{{string.Join(',', items.Select((item, i) => $"\"m{i}\":{item}"))}}}"),
            any.Array[1, 3].Select(items => $"[{string.Join(',', items.Select((item, i) => $"{{\"uuid\":\"u{i}\",\"value\":{item}}}"))}]")));

    [Theory]
    [InlineData("""{"a":1}""", """{"a":1}""", "")]
    [InlineData("""{"a":1}""", """{"a":2}""", "~ a: 1 → 2")]
    [InlineData("""{"a":null}""", """{"a":2}""", "~ a: null → 2")]
    [InlineData("""{}""", """{"a":{"b":"é"}}""", """+ a: {"b":"é"}""")]
    [InlineData("""{"a":null}""", """{}""", "- a: null")]
    [InlineData("""{"a":[1,2]}""", """{"a":[1,3,4]}""", "~ a[1]: 2 → 3|+ a[2]: 4")]
    [InlineData("""{"t":[{"uuid":"x","v":1}]}""", """{"t":[{"uuid":"w","v":0},{"uuid":"x","v":2}]}""", """+ t[w]: {"uuid":"w","v":0}|~ t[x].v: 1 → 2""")]
    [InlineData("""{"t":[{"uuid":"x"},{"uuid":"x"}]}""", """{"t":[{"uuid":"x"}]}""", """- t[1]: {"uuid":"x"}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":[1]}""", """~ a: {"b":1} → [1]""")]
    [InlineData("1", "1.0", "")]
    public void Each_place_is_told_by_what_came_went_or_changed(string before, string after, string expected) =>
        Assert.Equal(expected, string.Join('|', JsonDifference.Of(JsonNode.Parse(before), JsonNode.Parse(after))));

    [Fact]
    public void There_is_none_exactly_when_the_values_are_equal() => Gen.Select(AnyJson, AnyJson).Sample((left, right) =>
    {
        Assert.Empty(JsonDifference.Of(JsonNode.Parse(left), JsonNode.Parse(left)));
        var differ = JsonDifference.Of(JsonNode.Parse(left), JsonNode.Parse(right)).Count > 0;
        // Items that have a uuid are told apart by it, so their order alone is no difference.
        if (!left.Contains("uuid", StringComparison.Ordinal))
            Assert.Equal(!JsonNode.DeepEquals(JsonNode.Parse(left), JsonNode.Parse(right)), differ);
    });
}
