using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Tests.TestResults;

namespace ResultsEs.Tests.Access;

/// <summary>What clients share: none has all of it, and who holds something without using it loses it.</summary>
public sealed class SharesTests(SharesTests.Few few) : IClassFixture<SharesTests.Few>
{
    private const string Lines = "/api/v2/sessionEvents/lines";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exports_are_shared_by_clients_accounts_and_the_node_and_other_reads_go_on()
    {
        using var one = await few.HeldExportAsync(TestClients.Reader, few.OfOne);
        await few.RefusesAsync(TestClients.Reader, Export(few.OfOne), HttpStatusCode.TooManyRequests, "This client has as many exports under way as it may. Ask again when some have ended.");
        using var second = await few.HeldExportAsync(TestClients.BothWorkspaces, few.OfOne);
        await few.RefusesAsync(TestClients.ReadOnly, Export(few.OfOne), HttpStatusCode.TooManyRequests, "This account has as many exports under way as it may. Ask again when some have ended.");
        using var other = await few.HeldExportAsync(TestClients.OtherAccount, few.OfTwo);
        await few.RefusesAsync(
            TestClients.OtherAccountWithWorkspaceA, Export(few.OfTwo), HttpStatusCode.ServiceUnavailable,
            "There are as many exports under way as the service takes at a time. Ask again when some have ended.");

        foreach (var path in new[] { $"/api/v3/sessionResults/{few.OfOne.Id}", $"/api/v2/sessionResults?testId={few.OfOne.TestId}&status=IN_PROGRESS", "/health/ready" })
        {
            using var answer = await (await few.ClientAsync(TestClients.Reader)).ReadAsync(path);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        one.Dispose();
        await Wait.UntilAsync(async () =>
        {
            using var answer = await (await few.ClientAsync(TestClients.Reader)).ReadAsync(Export(few.OfOne));
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    [Fact]
    public async Task Exports_have_connections_of_their_own()
    {
        var pool = few.Host.Services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Exports);
        var size = new NpgsqlConnectionStringBuilder(pool.ConnectionString).MaxPoolSize;
        var taken = new List<NpgsqlConnection>();
        for (var i = 0; i < size; i++)
            taken.Add(await pool.OpenConnectionAsync(Cancelled));

        using var http = await few.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session(TestClients.WorkspaceB);
        await http.RecordAsync(session);
        var export = http.ReadAsync(Export(session));
        Assert.NotNull(await http.ResultAsync(session.Id));
        Assert.NotNull(await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}&status=IN_PROGRESS"));
        Assert.False(export.IsCompleted);

        foreach (var connection in taken)
            await connection.DisposeAsync();
        Assert.Equal(HttpStatusCode.OK, (await export).StatusCode);
    }

    [Fact]
    public async Task Requests_of_lines_are_shared_by_clients_accounts_and_the_node()
    {
        using var one = new HeldBody("\n");
        var first = few.PostAsync(TestClients.Reader, Lines, one);
        await one.Begun;
        await few.RefusesAsync(TestClients.Reader, Lines, HttpStatusCode.TooManyRequests, "This client has as many requests of lines under way as it may. Ask again when some have ended.", new StringContent(""));
        using var two = new HeldBody("\n");
        var second = few.PostAsync(TestClients.WriteOnly, Lines, two);
        await two.Begun;
        await few.RefusesAsync(TestClients.OtherWorkspace, Lines, HttpStatusCode.TooManyRequests, "This account has as many requests of lines under way as it may. Ask again when some have ended.", new StringContent(""));
        using var empty = new StringContent("");
        using var others = await few.PostAsync(TestClients.OtherAccount, Lines, empty);
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);

        one.End();
        two.End();
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await first).StatusCode, (await second).StatusCode]);
        using var again = await few.PostAsync(TestClients.Reader, Lines, new StringContent(""));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Bodies_that_trickle_take_the_room_of_their_client_alone()
    {
        var (mine, theirs) = (TestData.Session(), TestData.Session(TestClients.WorkspaceOfTwo));
        // More than the half of what a client may have, of a request that is not whole.
        using var slow = new HeldBody(mine.Json() + new string(' ', 3 * 1024 * 1024));
        var held = few.PostAsync(TestClients.Reader, "/api/v2/sessionEvents", slow, Recorder.Batch);
        await slow.Begun;
        var large = new string(' ', 2 * 1024 * 1024);
        await Wait.UntilAsync(async () =>
        {
            using var refused = await few.PostAsync(TestClients.Reader, "/api/v2/sessionEvents", new StringContent(TestData.Session().Json() + large), Recorder.Batch);
            return refused.StatusCode == HttpStatusCode.TooManyRequests && refused.Headers.RetryAfter is not null;
        });
        using var small = await few.PostAsync(TestClients.Reader, "/api/v2/sessionEvents", new StringContent(TestData.Session().Json()), Recorder.Batch);
        using var other = await few.PostAsync(TestClients.OtherAccount, "/api/v2/sessionEvents", new StringContent(theirs.Json() + large), Recorder.Batch);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [small.StatusCode, other.StatusCode]);

        slow.End();
        Assert.Equal(HttpStatusCode.OK, (await held).StatusCode);
        using var again = await few.PostAsync(TestClients.Reader, "/api/v2/sessionEvents", new StringContent(TestData.Session().Json() + large), Recorder.Batch);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Who_is_silent_is_cut_off_and_keeps_what_was_done()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync(
            "Development", data, [.. TestClients.Settings(firstIndex: 1), new("Shares:ExportIdleSeconds", "1"), new("Shares:LinesIdleSeconds", "1")]);
        using var http = await Few.ClientAsync(host, TestClients.Reader);
        var session = Few.Large();
        using (var recorded = await http.SendAsync(session))
            Assert.Equal(HttpStatusCode.OK, recorded.StatusCode);

        using var export = await http.GetAsync(new Uri(Export(session), UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        var line = TestData.Session();
        using var silent = new HeldBody(line.Events[0].ToJsonString() + "\n{");
        silent.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-ndjson");
        using var lines = await http.PostAsync(new Uri(Lines, UriKind.Relative), silent, Cancelled);
        var problem = await lines.ProblemAsync(HttpStatusCode.RequestTimeout);
        Assert.Equal("No byte came for 1 s; every line through 1 is stored or refused. Send the lines after it again, or all of them.", (string)problem["detail"]!);
        Assert.Equal(1, (int)problem["storedThroughLine"]!);
        Assert.Single(await host.StoredAsync(line.Id));

        await using var body = await export.Content.ReadAsStreamAsync(Cancelled);
        // Nothing is read until the service has given up.
        await Wait.UntilAsync(() => host.Services.GetRequiredService<ResultsEs.Access.ClientShares>().Exports.Held == 0);
        await Assert.ThrowsAnyAsync<Exception>(() => body.CopyToAsync(Stream.Null, Cancelled));
    }

    [Theory]
    [InlineData("Exports", "0", "1", "1")]
    [InlineData("Lines", "3", "2", "4")]
    [InlineData("UploadMebibytes", "3", "8", "8")]
    [InlineData("Exports", "1", "3", "2")]
    public void Parts_that_do_not_fit_into_each_other_are_no_settings(string name, string client, string account, string node)
    {
        var limits = new ResultsEs.Access.ShareLimits { PerClient = int.Parse(client), PerAccount = int.Parse(account), PerNode = int.Parse(node) };
        var options = name switch
        {
            "Exports" => new ResultsEs.Access.SharesOptions { Exports = limits },
            "Lines" => new ResultsEs.Access.SharesOptions { Lines = limits },
            _ => new ResultsEs.Access.SharesOptions { UploadMebibytes = limits },
        };
        Assert.StartsWith($"Shares:{name} must be from ", Assert.Single(ResultsEs.Access.SharesOptions.Problems(options)), StringComparison.Ordinal);
        Assert.Empty(ResultsEs.Access.SharesOptions.Problems(new()));
    }

    private static string Export(SessionBuilder session) => ExportTests.Path(session.TestId) + "?status=IN_PROGRESS";

    /// <summary>A body whose begin is sent, and whose end is not until it is told to.</summary>
    private sealed class HeldBody(string begin) : HttpContent
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Begun => _begun.Task;

        public void End() => _end.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(begin), Cancelled);
            await stream.FlushAsync(Cancelled);
            _begun.SetResult();
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            _end.TrySetResult();
            base.Dispose(disposing);
        }
    }

    /// <summary>A host with small shares, and a session of each account whose export is larger than what is buffered.</summary>
    public sealed class Few : IAsyncLifetime
    {
        private readonly TempFolder _data = new();

        public IAlbaHost Host { get; private set; } = null!;

        internal SessionBuilder OfOne { get; } = Large();

        internal SessionBuilder OfTwo { get; } = Large(TestClients.WorkspaceOfTwo);

        public async ValueTask InitializeAsync()
        {
            Host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), .. Settings()]);
            using var one = await ClientAsync(TestClients.Reader);
            using var two = await ClientAsync(TestClients.OtherAccount);
            await one.RecordAsync(OfOne);
            await two.RecordAsync(OfTwo);

            static IEnumerable<KeyValuePair<string, string?>> Settings()
            {
                foreach (var (name, client, account, node) in new[] { ("Exports", 1, 2, 3), ("Lines", 1, 2, 3), ("UploadMebibytes", 4, 6, 8) })
                {
                    yield return new($"Shares:{name}:PerClient", $"{client}");
                    yield return new($"Shares:{name}:PerAccount", $"{account}");
                    yield return new($"Shares:{name}:PerNode", $"{node}");
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _data.Dispose();
        }

        internal static SessionBuilder Large(Guid? workspace = null)
        {
            var session = TestData.Session(workspace);
            for (var i = 0; i < 10; i++)
                session.WithAnswer(Answers.Written(new string('x', 50_000)));
            return session;
        }

        internal Task<HttpClient> ClientAsync(string client) => ClientAsync(Host, client);

        /// <summary>A client that reads as it likes, where those of other tests read everything at once.</summary>
        internal static async Task<HttpClient> ClientAsync(IAlbaHost host, string client)
        {
            var http = new HttpClient(host.Server.CreateHandler()) { BaseAddress = host.Server.BaseAddress };
            http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, client));
            return http;
        }

        /// <summary>An export that has begun and of which nothing is taken.</summary>
        internal async Task<HttpResponseMessage> HeldExportAsync(string client, SessionBuilder session)
        {
            var answer = await (await ClientAsync(client)).GetAsync(new Uri(Export(session), UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return answer;
        }

        internal async Task<HttpResponseMessage> PostAsync(string client, string path, HttpContent content, string contentType = "application/x-ndjson")
        {
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
            return await (await ClientAsync(client)).PostAsync(new Uri(path, UriKind.Relative), content, Cancelled);
        }

        internal async Task RefusesAsync(string client, string path, HttpStatusCode status, string detail, HttpContent? content = null)
        {
            using var answer = content is null ? await (await ClientAsync(client)).ReadAsync(path) : await PostAsync(client, path, content);
            Assert.NotNull(answer.Headers.RetryAfter?.Delta);
            Assert.Equal(detail, (string?)(await answer.ProblemAsync(status))["detail"]);
        }
    }
}
