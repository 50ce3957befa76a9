using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CsCheck;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Http;

/// <summary>Whatever a request or a message is made of, it gets an answer or a refusal, and is no failure of the service.</summary>
public sealed class HostileRequestTests(AppFixture app)
{
    private static readonly string[] Paths =
    [
        "/api/v2/sessionResults", "/api/v2/sessionResults/@", "/api/v3/sessionResults/@", "/api/v2/sessionResults/@/transcript",
        "/api/v2/sessionResults/@/videoDownloadUrl", "/api/v2/sessionResults/@/clips", "/api/v2/sessionResults/@/clips/@", "/api/v2/testResults",
        "/api/v2/testResults/@/qxScores", "/api/v2/testResults/@/highlightreels", "/api/v2/testResults/@/highlightreels/@",
        "/api/v3/testResults/@/sessionResults", "/api/v3/testResults", "/api/v3/testResults/@/summary", "/api/v3/testResults/@/tasks/@/summary", "/api/v3/testResults/@/tasks/@/answers",
        "/v1/workspaces", "/v1/workspaces/@", "/v1/studies/@", "/.well-known/@", "/openapi/@", "/docs/@", "/health/@",
    ];

    private static readonly string[] Names =
        ["testId", "status", "status[]", "limit", "offset", "cursor", "from", "to", "updatedSince", "audienceId", "taskTypes", "format", "page", "demographic", "q", "after", "", "\u0000", "testId[]"];

    private static readonly string[] Values =
    [
        "", " ", "0", "-1", "500", "501", "99999999999999999999", "1e3", "null", "true", "COMPLETE", "complete", "%", "%00", "%ff", "%zz", "%F0%9F%98%80", "\u0000", "é", "\ud83d\ude00",
        "00000000-0000-0000-0000-000000000000", "5a000000-0000-4000-8000-0000000000dd", "{5a000000-0000-4000-8000-0000000000dd}", "2026-03-01T10:15:00Z", "2026-03-01t10:15:00z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2026-02-30T00:00:00Z", "AAAA", "eyJhIjoxfQ", "..", "../..", "a/b", "a&b=c", "a;b", "'; drop table x; --", new('x', 3_000), new('7', 300),
    ];

    private static readonly string[] ContentTypes =
    [
        "application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson", "application/json; charset=utf-16", "text/plain", "a/b", "application/json;;",
    ];

    private static readonly string[] Encodings = ["", "gzip", "identity", "x-gzip", "br", "gzip, gzip", ",", "\"gzip\""];

    private static readonly Gen<string> AnyValue = Gen.OneOf(OneOf(Values), Gen.String[Gen.Char, 0, 30]);

    private static readonly Gen<byte[]> AnyBody = Gen.OneOf(
        Gen.Byte.Array[0, 100],
        Gen.Select(Gen.Int[0, 3_000], Gen.Byte.Array[0, 6]).Select(cut => Cut(TestData.SessionWithEverything().Json(), cut.Item1, cut.Item2)),
        Gen.Select(Gen.Int[0, 3_000], Gen.Byte.Array[0, 6]).Select(cut => Cut(TestData.SessionWithEverything().Events[0].ToJsonString(), cut.Item1, cut.Item2)));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_path_and_no_parameter_makes_the_service_fail()
    {
        using var http = await app.ClientAsync();
        await Gen.Select(OneOf(Paths), AnyValue, AnyValue, Gen.Select(OneOf(Names), AnyValue).Array[0, 4]).SampleAsync(
            async (path, first, second, query) =>
            {
                var at = path.IndexOf('@', StringComparison.Ordinal);
                var filled = at < 0 ? path : path[..at] + Escaped(first) + path[(at + 1)..].Replace("@", Escaped(second), StringComparison.Ordinal);
                // A server on a socket refuses that by itself, and the test's server throws.
                filled = filled.Replace("%00", "%01", StringComparison.Ordinal);
                var address = $"{filled}?{string.Join('&', query.Select(one => $"{Escaped(one.Item1)}={Escaped(one.Item2)}"))}";
                using var answer = await http.GetAsync(new Uri(address, UriKind.Relative), Cancelled);
                Assert.True((int)answer.StatusCode < 500, $"{(int)answer.StatusCode} {address}");
            },
            iter: 300, time: Fuzz.Seconds, threads: 2);
    }

    [Fact]
    public async Task No_body_type_encoding_or_attribute_makes_the_service_fail()
    {
        using var http = await app.ClientAsync();
        var attributes = Gen.Select(OneOf([.. BinaryCloudEvents.Attributes, "x", "datacontenttype"]), AnyValue).Array[0, 4];
        await Gen.Select(AnyBody, OneOf(ContentTypes), OneOf(Encodings), attributes).SampleAsync(
            async (body, contentType, encoding, headers) =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v2/sessionEvents") { Content = new ByteArrayContent(body) };
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
                request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
                foreach (var (name, value) in headers)
                    request.Headers.TryAddWithoutValidation("ce-" + name, string.Concat(value.Where(letter => letter is >= ' ' and <= '~')));
                using var answer = await http.SendAsync(request, Cancelled);
                Assert.True((int)answer.StatusCode < 500, $"{(int)answer.StatusCode} {contentType} {encoding} {Convert.ToBase64String(body)}");
            },
            iter: 300, time: Fuzz.Seconds, threads: 2);
    }

    [Fact]
    public async Task No_form_makes_the_token_endpoint_fail()
    {
        using var http = app.Anonymous();
        var members = Gen.Select(OneOf(["grant_type", "client_id", "client_secret", "scope", "resource", "client_assertion", "request", ""]), AnyValue).Array[0, 5];
        await Gen.Select(members, Gen.OneOf(OneOf(["", "Basic", "Basic %%%", "Basic YTpi", "Bearer x", "DPoP x"]), AnyValue), Gen.Bool).SampleAsync(
            async (form, authorization, isForm) =>
            {
                var text = string.Join('&', form.Select(one => $"{one.Item1}={one.Item2}"));
                using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth2/token") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text)) };
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(isForm ? "application/x-www-form-urlencoded" : "application/json");
                request.Headers.TryAddWithoutValidation("Authorization", string.Concat(authorization.Where(letter => letter is >= ' ' and <= '~')));
                using var answer = await http.SendAsync(request, Cancelled);
                Assert.True(answer.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError, $"{(int)answer.StatusCode} {text}");
            },
            iter: 300, time: Fuzz.Seconds, threads: 2);
    }

    [Fact]
    public void Any_message_of_a_queue_is_read()
    {
        var headers = Gen.Select(OneOf(["cloudEvents:", "cloudEvents_"]), OneOf([.. BinaryCloudEvents.Attributes, "x"]), AnyValue).Array[0, 5];
        Gen.Select(AnyBody, OneOf([.. ContentTypes, ""]), headers).Sample(
            (body, contentType, attributes) =>
            {
                var named = attributes.DistinctBy(one => one.Item2).ToDictionary(one => one.Item1 + one.Item2, one => (string?)one.Item3, StringComparer.Ordinal);
                var read = AmqpCloudEvents.Read(new SessionEventsDelivery(Guid.Empty, [], "queue", new Uri("rabbitmq://queue"), contentType, named, body));
                Assert.True(read.Problems.Count > 0 || read.Count == read.Events.Count);
            },
            iter: 3_000, time: Fuzz.Seconds);
    }

    private static Gen<string> OneOf(string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    // Half of a pair of surrogates cannot be in an address.
    private static string Escaped(string text) => Uri.EscapeDataString(string.Concat(text.Where(letter => !char.IsSurrogate(letter)))).Replace("%25", "%", StringComparison.Ordinal);

    private static byte[] Cut(string text, int at, byte[] bytes)
    {
        var all = Encoding.UTF8.GetBytes(text);
        at %= all.Length;
        return [.. all[..at], .. bytes, .. all[Math.Min(all.Length, at + bytes.Length)..]];
    }
}
