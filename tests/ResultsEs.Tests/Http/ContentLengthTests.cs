using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Access;
using ResultsEs.OpenApi;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Http;

/// <summary>Every answer says how long it is, as the reference's do: over a socket, because the in-memory server sends no parts.</summary>
public sealed class ContentLengthTests(ClientTests.Service service) : IClassFixture<ClientTests.Service>
{
    private const string Endless = "streamChanges";

    // Streams, whose length nobody knows when they begin.
    private static readonly HashSet<string> Streams = new(StringComparer.Ordinal) { "exportSessionResultsV3", "exportTable", Endless };

    private static readonly Dictionary<string, string> Samples = new(StringComparer.Ordinal)
    {
        ["{sessionId}"] = SampleAnswers.SessionId.ToString(),
        ["{testId}"] = SampleAnswers.TestId.ToString(),
        ["{studyUuid}"] = SampleAnswers.TestId.ToString(),
        ["{workspaceUuid}"] = SampleAnswers.WorkspaceId.ToString(),
        ["{clipUuid}"] = (string)SampleAnswers.ClipGenerated()["clipUuid"]!,
        ["{reelId}"] = (string)SampleAnswers.ReelFile()["reelId"]!,
        ["{taskId}"] = (string)SampleAnswers.Interactions()["taskId"]!,
        ["{q}"] = "the",
    };

    /// <summary>All that the demo client may call.</summary>
    public static TheoryData<string> Operations =>
        [.. DescribedEndpoint.All.Where(endpoint => endpoint.Scope is null or Scopes.StudiesRead or Scopes.EventsWrite).Select(endpoint => endpoint.Operation.Id)];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Every_answer_of_an_endpoint_says_how_long_it_is(string operation)
    {
        var endpoint = DescribedEndpoint.All.Single(endpoint => endpoint.Operation.Id == operation);
        using var http = await ClientAsync();
        using var nobody = Client();
        using var reader = Client();
        reader.DefaultRequestHeaders.Authorization = new("Bearer", "not.a.token");
        var right = operation is "getExport" or "getExportFile" ? await OfExportAsync(http, operation) : Filled(endpoint);
        var statuses = new List<int>();

        if (endpoint.Method == "GET")
        {
            foreach (var client in new[] { http, nobody, reader })
            {
                foreach (var path in new[] { right, Filled(endpoint, _ => "x"), Filled(endpoint, _ => Guid.NewGuid().ToString()), right + (right.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "limit=0&status=x&finishedSince=y" })
                    statuses.Add(await SizedAsync(client, path, operation));
            }

            Assert.Equal(200, statuses[0]);
        }
        else
        {
            foreach (var client in new[] { http, nobody })
            {
                foreach (var (type, body) in Bodies(operation))
                    statuses.Add(await SizedAsync(client, new HttpMethod(endpoint.Method), right, new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse(type)), operation));
            }

            Assert.Contains(statuses, status => status is 200 or 202);
            Assert.Contains(statuses, status => status >= 400);
        }

        Assert.Equal(405, await SizedAsync(http, HttpMethod.Delete, right, content: null, operation));
    }

    [Theory]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/.well-known/openid-configuration", 200)]
    [InlineData("/.well-known/jwks", 200)]
    [InlineData("/nothing/here", 404)]
    [InlineData("/api/v2/sessionResults?testId=24422850-abc3-4525-9567-e2fd4bd0adcb&status=COMPLETE&status=ABANDONED&updatedSince=2026-01-01T00:00:00Z&limit=500", 200)]
    public async Task So_does_what_is_not_described(string path, int expected)
    {
        using var http = await ClientAsync();

        Assert.Equal(expected, await SizedAsync(http, path, ""));
    }

    /// <summary>A part of 500 is many times what the server buffers before it sends.</summary>
    [Fact]
    public async Task So_does_the_largest_part_of_a_list()
    {
        using var http = await ClientAsync();
        var test = Guid.NewGuid();
        foreach (var some in Enumerable.Range(0, 500).Chunk(100))
        {
            using var answer = await http.SendAsync($"[{string.Join(',', some.SelectMany(n => TestData.Session(Guid.Parse("0d3a0000-0000-4000-8000-0000000000a1"), test).Completed().Events).Select(e => e.ToJsonString()))}]");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Equal(200, await SizedAsync(http, $"/api/v2/sessionResults?testId={test}&limit=500", ""));
    }

    /// <summary>The path of an export that is done, or of a file of it.</summary>
    private static async Task<string> OfExportAsync(HttpClient http, string operation)
    {
        // Others of this class may have as many under way as there may be.
        string? path = null;
        await Wait.UntilAsync(async () =>
        {
            using var asked = await http.PostAsync(new Uri("/api/v3/exports?table=sessions", UriKind.Relative), null, Cancelled);
            return (path = asked.Headers.Location?.OriginalString) is not null;
        });
        JsonNode job = null!;
        await Wait.UntilAsync(async () => (string?)(job = await http.JsonAsync(path!))["state"] == "DONE");
        return operation == "getExport" ? path! : new Uri((string)job["files"]![0]!["url"]!).PathAndQuery;
    }

    private static string Filled(DescribedEndpoint endpoint, Func<string, string>? with = null)
    {
        var path = endpoint.Path;
        foreach (var (name, sample) in Samples)
            path = path.Replace(name, with?.Invoke(name) ?? (name == "{testId}" && SampleAnswers.OfInteractionTest.Contains(endpoint.Operation.Id) ? SampleAnswers.InteractionTestId.ToString()
                : endpoint.Operation.Id == "listTaskInteractions" && name == "{sessionId}" ? ResultsEs.Hosting.Samples.SessionOf("interaction-test").ToString()
                : sample), StringComparison.Ordinal);
        var required = endpoint.Operation.Query.Where(parameter => parameter.IsRequired).Select(parameter => $"{parameter.Name}={with?.Invoke(parameter.Name) ?? Samples[$"{{{parameter.Name}}}"]}");
        return string.Join('?', new[] { path, string.Join('&', required) }.Where(part => part.Length > 0));
    }

    private static IEnumerable<(string Type, string Body)> Bodies(string operation) => operation switch
    {
        "getToken" =>
        [
            ("application/x-www-form-urlencoded", $"grant_type=client_credentials&client_id={TestClients.Demo}&client_secret={TestClients.DemoSecret}"),
            ("application/x-www-form-urlencoded", $"grant_type=client_credentials&client_id={TestClients.Demo}&client_secret=wrong"),
            ("application/x-www-form-urlencoded", "grant_type=password"),
            ("application/x-www-form-urlencoded", new string('x', 20_000)),
            ("application/json", "{}"),
        ],
        "createExport" =>
        [
            ("application/json", "{}"),
            ("application/json", "[]"),
            ("application/json", $$"""{ "format": "{{new string('x', 100_000)}}" }"""),
            ("text/plain", "x"),
        ],
        _ =>
        [
            ("application/cloudevents-batch+json", ResultsEs.Hosting.Samples.Read("survey")),
            ("application/cloudevents-batch+json", "[]"),
            ("application/cloudevents-batch+json", "[{}]"),
            ("application/cloudevents+json", "{"),
            ("application/cloudevents+json", TestData.Session(Guid.NewGuid()).Events[0].ToJsonString()),
            ("application/x-ndjson", "{}\n" + TestData.Session(Guid.Parse("0d3a0000-0000-4000-8000-0000000000a1")).Events[0].ToJsonString() + "\n"),
            ("text/plain", "x"),
        ],
    };

    /// <summary>A GET, and a HEAD that says the same.</summary>
    private static async Task<int> SizedAsync(HttpClient http, string path, string operation)
    {
        var status = await SizedAsync(http, HttpMethod.Get, path, content: null, operation);
        using var get = await AnswerAsync(http, HttpMethod.Get, path, content: null);
        using var head = await AnswerAsync(http, HttpMethod.Head, path, content: null);
        Assert.Equal((get.StatusCode, Length(get) is null, get.Content.Headers.ContentType?.ToString()), (head.StatusCode, Length(head) is null, head.Content.Headers.ContentType?.ToString()));
        // A problem's trace id and a signature are always as long; how long a check took is not.
        if (operation != "getReadiness")
            Assert.Equal(Length(get), Length(head));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancelled));
        return status;
    }

    private static async Task<int> SizedAsync(HttpClient http, HttpMethod method, string path, HttpContent? content, string operation)
    {
        using var answer = await AnswerAsync(http, method, path, content);
        var isStream = Streams.Contains(operation) && answer.StatusCode == HttpStatusCode.OK;
        var body = isStream && operation == Endless ? [] : await answer.Content.ReadAsByteArrayAsync(Cancelled);
        var said = $"{method} {path} {(int)answer.StatusCode} {answer.Content.Headers.ContentType} of {body.Length} bytes says {Length(answer)}";
        Assert.True(isStream ? Length(answer) is null : Length(answer) == body.Length && answer.Headers.TransferEncodingChunked != true, said);
        Assert.True(isStream || body.Length > 0, said);
        return (int)answer.StatusCode;
    }

    private static Task<HttpResponseMessage> AnswerAsync(HttpClient http, HttpMethod method, string path, HttpContent? content) =>
        http.SendAsync(new HttpRequestMessage(method, path) { Content = content }, HttpCompletionOption.ResponseHeadersRead, Cancelled);

    // As sent: the property counts the body where the header is missing.
    private static long? Length(HttpResponseMessage answer) =>
        answer.Content.Headers.NonValidated.TryGetValues("Content-Length", out var values) ? long.Parse(values.ToString(), CultureInfo.InvariantCulture) : null;

    private HttpClient Client() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = service.Address };

    private async Task<HttpClient> ClientAsync()
    {
        var http = Client();
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        return http;
    }
}
