using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Mcp;

namespace ResultsEs.Tests.Mcp;

/// <summary>Answers that fit a context.</summary>
public sealed class JsonCutTests
{
    private static readonly string[] Letters = ["x", "\"", "ä", "🙂", "\n"];

    private static readonly Gen<JsonNode> Any = Gen.Recursive<JsonNode>((depth, nested) =>
    {
        var text = Gen.Select(Gen.Int[0, 3_000], Gen.Int[0, Letters.Length - 1]).Select((n, of) => (JsonNode)JsonValue.Create(string.Concat(Enumerable.Repeat(Letters[of], n))));
        var number = Gen.Int.Select(n => (JsonNode)JsonValue.Create(n));
        return depth > 3
            ? Gen.OneOf(text, number)
            : Gen.Frequency(
                (2, text), (1, number),
                (2, nested.Array[0, Most(depth)].Select(all => (JsonNode)new JsonArray([.. all.Select(one => one.DeepClone())]))),
                (2, nested.Array[0, Most(depth)].Select(all => (JsonNode)new JsonObject(all.Select((one, i) => KeyValuePair.Create($"m/{i}~", (JsonNode?)one.DeepClone()))))));

        // Long lists near the root; a product of long lists is megabytes.
        static int Most(int depth) => 40 >> (2 * depth);
    });

    [Fact]
    public void Whatever_it_is_it_fits_is_JSON_and_is_the_same_where_it_is_short() => Gen.Select(Any, Any).Sample(
        (one, other) =>
        {
            var json = Encoding.UTF8.GetBytes(new JsonObject { ["one"] = one.DeepClone(), ["other"] = other.DeepClone() }.ToJsonString());
            var cut = JsonCut.Whole(json, "How.");
            Assert.InRange(cut.Length, 0, JsonCut.MaxBytes);
            var read = JsonNode.Parse(cut.Span)!.AsObject();
            Assert.Equal(json.Length <= JsonCut.MaxBytes, read["cut"] is null);
            if (read["cut"] is null)
                Assert.Equal(json, cut.ToArray());
            else
                Assert.All(read["cut"]!["places"]!.AsArray(), place => Assert.True((int)place!["shown"]! < (int)place["total"]!));
        },
        iter: 30);

    [Fact]
    public void A_list_and_a_text_are_got_piece_by_piece()
    {
        var list = new JsonArray([.. Enumerable.Range(0, 5_000).Select(i => (JsonNode)JsonValue.Create($"item {i}"))]);
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => i % 7 == 0 ? "🙂" : "\"ä"));
        var json = Encoding.UTF8.GetBytes(new JsonObject { ["a"] = new JsonObject { ["b/c~d"] = list }, ["text"] = text }.ToJsonString());

        Assert.Equal(list.ToJsonString(), new JsonArray([.. All("/a/b~1c~0d").SelectMany(part => part.AsArray()).Select(item => item!.DeepClone())]).ToJsonString());
        Assert.Equal(text, string.Concat(All("/text").Select(part => (string)part!)));

        List<JsonNode> All(string path)
        {
            var parts = new List<JsonNode>();
            for (int? offset = 0; offset is { } at;)
            {
                var part = JsonCut.Part(json, path, at, "How.")!.Value;
                Assert.InRange(part.Length, 0, JsonCut.MaxBytes);
                var read = JsonNode.Parse(part.Span)!;
                parts.Add(read["value"]!);
                offset = (int?)read["cut"]?["places"]!.AsArray().Single(place => (string)place!["path"]! == path)!["nextOffset"];
            }

            Assert.True(parts.Count > 1);
            return parts;
        }
    }

    [Fact]
    public void An_object_of_very_many_members_is_walked_in_their_order()
    {
        var names = Enumerable.Range(0, 3_000).Select(i => $"member-{i}").ToList();
        var json = Encoding.UTF8.GetBytes(new JsonObject(names.Select(name => KeyValuePair.Create(name, (JsonNode?)JsonValue.Create(1)))).ToJsonString());

        var read = JsonNode.Parse(JsonCut.Whole(json, "How.").Span)!.AsObject();
        var place = read["cut"]!["places"]!.AsArray().Single()!;
        Assert.Equal(("", "members", 3_000, read.Count - 1), ((string)place["path"]!, (string)place["unit"]!, (int)place["total"]!, (int)place["nextOffset"]!));
        var next = JsonNode.Parse(JsonCut.Part(json, "", read.Count - 1, "How.")!.Value.Span)!["value"]!.AsObject();
        Assert.Equal(names.Take(read.Count - 1 + next.Count), read.Take(read.Count - 1).Select(one => one.Key).Concat(next.Select(one => one.Key)));
    }

    [Theory]
    [InlineData("/a/2")]
    [InlineData("/a/x")]
    [InlineData("/a/-1")]
    [InlineData("/b")]
    [InlineData("/a/0/c")]
    [InlineData("a")]
    public void A_path_to_nothing_finds_nothing(string path) => Assert.Null(JsonCut.Part("""{"a":[1,"b"]}"""u8.ToArray(), path, 0, "How."));

    [Theory]
    [InlineData("", """{"path":"","offset":0,"value":{"a":[1,"b"]}}""")]
    [InlineData("/a", """{"path":"/a","offset":0,"value":[1,"b"]}""")]
    [InlineData("/a/1", """{"path":"/a/1","offset":0,"value":"b"}""")]
    public void A_path_finds_a_part(string path, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(JsonCut.Part("""{"a":[1,"b"]}"""u8.ToArray(), path, 0, "How.")!.Value.Span));
}
