using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Whatever is sent, the reader makes events or problems of it, and the service an answer that is no failure.</summary>
public sealed class HostileInputTests(AppFixture app)
{
    private const string Placeholder = "\"@@\"";

    private static readonly string[] Nasty =
    [
        "null", "true", "[]", "{}", "[null]", "[[]]", "[{}]", "{\"type\":null}", "{\"type\":\"NPS\"}", "{\"type\":\"HOLOGRAM\",\"type\":\"NPS\"}",
        "{\"\":1}", "{\"a\":1,\"a\":2}", "{\"\\u0000\":1}", "{\"\\ud800\":1}", "0", "-0", "-1", "0.5", "1e2", "1e-7", "1e28", "1e29", "1e300", "1e301", "1e400",
        "1e200000", "-1e-200000", "2147483648", "9223372036854775807", "9223372036854775808", "79228162514264337593543950336", new('9', 200),
        "\"\"", "\" \"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"NPS\"", "\"FIGMA\"", "\"SKIPPED\"", "\"results.SessionAbandoned.v1\"", "\"1.0\"",
        "\"00000000-0000-0000-0000-000000000000\"", "\"5A000000-0000-4000-8000-0000000000DD\"", "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.9999999+00:00\"",
        "\"9999-12-31T23:59:59-14:00\"", "\"2026-03-01T10:15:00+14:00\"", "\"2026-03-01\"", "\"https://shop.example/\"", "\"http:\"", "\"//\"", "\"$type\"",
        "\"" + new string('x', 100_001) + "\"", JsonChanges.Nested(33), JsonChanges.Nested(3_000), "nul", "\"", "{", "]", "1.", "01",
    ];

    /// <summary>Which values of the batch become which nasty ones.</summary>
    private static readonly Gen<(int Place, int Value)[]> Changes = Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, Nasty.Length - 1]).Array[1, 3];

    /// <summary>Where bytes of the batch are cut out and what goes in their place.</summary>
    private static readonly Gen<(int At, int Length, byte[] Bytes)[]> Cuts =
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 40], Gen.OneOf(Gen.Byte.Array[0, 6], OneOf(Nasty).Select(Encoding.UTF8.GetBytes))).Array[1, 4];

    [Fact]
    public void Arbitrary_bytes_are_read() => Gen.Byte.Array[0, 200].Sample(AssertRead, iter: 20_000, time: Fuzz.Seconds);

    [Fact]
    public void Arbitrary_JSON_like_text_is_read() =>
        OneOf([.. Nasty.Where(text => text.Length < 300), "[", "]", "{", "}", ",", ":", " ", "\"id\":", "\"type\":", "\"data\":", "\"data_base64\":"])
            .Array[0, 30].Select(parts => Encoding.UTF8.GetBytes("[" + string.Concat(parts) + "]")).Sample(AssertRead, iter: 20_000, time: Fuzz.Seconds);

    [Fact]
    public void A_batch_with_bytes_cut_out_and_put_in_is_read()
    {
        var batch = Encoding.UTF8.GetBytes(TestData.SessionWithEverything().Json());
        Cuts.Select(cuts => cuts.Aggregate(batch, Cut)).Sample(AssertRead, iter: 3_000, time: Fuzz.Seconds);
    }

    [Fact]
    public void A_batch_with_values_replaced_is_read()
    {
        var batch = Encoding.UTF8.GetBytes(TestData.SessionWithEverything().Json());
        Changes.Select(changes => Changed(batch, changes)).Sample(AssertRead, iter: 3_000, time: Fuzz.Seconds);
    }

    [Fact]
    public async Task No_batch_makes_the_service_fail()
    {
        var http = await app.ClientAsync();
        await Changes.SampleAsync(async changes =>
        {
            var session = TestData.SessionWithEverything();
            var body = Changed(Encoding.UTF8.GetBytes(session.Json()), changes);
            using var answer = await http.SendAsync(body);
            Assert.True(
                answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.Conflict,
                $"{(int)answer.StatusCode}");
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                using var again = await http.SendAsync(body);
                Assert.Equal(0, (int?)(await again.JsonAsync())["accepted"]);
            }

            using var result = await http.GetResultAsync(session.Id);
            Assert.True(result.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{(int)result.StatusCode}");
        }, iter: 300, time: Fuzz.Seconds, threads: 2);
    }

    [Fact]
    public async Task No_value_in_an_answer_makes_the_service_fail()
    {
        var http = await app.ClientAsync();
        foreach (var nasty in Nasty.Where(text => text.Length < 300))
        {
            foreach (var answer in Answers.All.Values)
            {
                var session = TestData.Session().WithAnswer(answer()).But("data.answer.unheardOf", Placeholder);
                using var sent = await http.SendAsync(session.Json().Replace(Placeholder, nasty, StringComparison.Ordinal));
                Assert.True(sent.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{nasty}: {(int)sent.StatusCode}");
            }
        }
    }

    private static Gen<string> OneOf(string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    private static void AssertRead(byte[] body)
    {
        var read = CloudEventReader.Read(body, CloudEventShapes.Single | CloudEventShapes.Batch);
        if (read.Problems.Count == 0)
            Assert.Equal(read.Count, read.Events.Count);
        else
            Assert.All(read.Problems, problem => Assert.InRange(problem.Index, -1, read.Count));
    }

    private static byte[] Cut(byte[] bytes, (int At, int Length, byte[] Bytes) cut)
    {
        var at = cut.At % (bytes.Length + 1);
        return [.. bytes[..at], .. cut.Bytes, .. bytes[Math.Min(bytes.Length, at + cut.Length)..]];
    }

    /// <summary>The batch with whole values replaced, the last first so that the places of the others stay.</summary>
    private static byte[] Changed(byte[] batch, (int Place, int Value)[] changes)
    {
        var places = Places(batch);
        var untouched = batch.Length;
        foreach (var ((start, end), value) in changes.Select(change => (places[change.Place % places.Count], change.Value)).OrderByDescending(change => change.Item1.Start))
        {
            if (end > untouched)
                continue;

            batch = [.. batch[..start], .. Encoding.UTF8.GetBytes(Nasty[value]), .. batch[end..]];
            untouched = start;
        }

        return batch;
    }

    /// <summary>Where the values of JSON begin and end.</summary>
    private static List<(int Start, int End)> Places(byte[] json)
    {
        var places = new List<(int Start, int End)>();
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray)
                continue;

            var value = reader;
            value.Skip();
            places.Add(((int)reader.TokenStartIndex, (int)value.BytesConsumed));
        }

        return places;
    }
}
