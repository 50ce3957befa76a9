using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text;
using Alba;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Tests.TestResults;

namespace ResultsEs.Tests.Access;

/// <summary>What clients share: none has all of it, and who holds something without using it loses it.</summary>
public sealed class SharesTests(SharesTests.Few few) : IClassFixture<SharesTests.Few>
{
    private const string Lines = "/api/v2/sessionEvents/lines";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exports_are_shared_by_clients_accounts_and_the_node_and_have_connections_of_their_own()
    {
        // Exports wait for these, and nobody else does.
        var pool = few.Host.Services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Exports);
        var taken = new List<NpgsqlConnection>();
        for (var i = 0; i < new NpgsqlConnectionStringBuilder(pool.ConnectionString).MaxPoolSize; i++)
            taken.Add(await pool.OpenConnectionAsync(Cancelled));

        var exports = new List<Task<HttpResponseMessage>> { await few.HeldExportAsync(TestClients.Reader, few.OfOne, held: 1) };
        await few.RefusesAsync(TestClients.Reader, Export(few.OfOne), HttpStatusCode.TooManyRequests, "This client has as many exports under way as it may. Ask again when some have ended.");
        exports.Add(await few.HeldExportAsync(TestClients.BothWorkspaces, few.OfOne, held: 2));
        await few.RefusesAsync(TestClients.ReadOnly, Export(few.OfOne), HttpStatusCode.TooManyRequests, "This account has as many exports under way as it may. Ask again when some have ended.");
        exports.Add(await few.HeldExportAsync(TestClients.OtherAccount, few.OfTwo, held: 3));
        await few.RefusesAsync(
            TestClients.OtherAccountWithWorkspaceA, Export(few.OfTwo), HttpStatusCode.ServiceUnavailable,
            "There are as many exports under way as the service takes at a time. Ask again when some have ended.");

        foreach (var path in new[] { $"/api/v3/sessionResults/{few.OfOne.Id}", $"/api/v2/sessionResults?testId={few.OfOne.TestId}&status=IN_PROGRESS", "/health/ready" })
        {
            using var answer = await (await few.ClientAsync(TestClients.Reader)).ReadAsync(path);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        foreach (var connection in taken)
            await connection.DisposeAsync();
        foreach (var export in exports)
            Assert.Equal(HttpStatusCode.OK, (await export).StatusCode);
        await Wait.UntilAsync(() => few.Exports.Held == 0);
        using var again = await (await few.ClientAsync(TestClients.Reader)).ReadAsync(Export(few.OfOne));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
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

    /// <summary>Waits and streams take a place for as long as they last; who does not wait needs none.</summary>
    [Fact]
    public async Task Readers_that_wait_for_changes_are_shared_by_clients_accounts_and_the_node()
    {
        var (one, two) = (TestData.Session(), TestData.Session());
        var waiting = (await few.ClientAsync(TestClients.Reader)).ReadAsync(Of(one.TestId));
        await Wait.UntilAsync(() => few.Followers.Held == 1);
        await few.RefusesAsync(TestClients.Reader, Of(one.TestId), HttpStatusCode.TooManyRequests, "This client has as many requests that wait for changes under way as it may. Ask again when some have ended.");
        await few.RefusesAsync(TestClients.Reader, "/api/v3/changes/stream", HttpStatusCode.TooManyRequests, "This client has as many requests that wait for changes under way as it may. Ask again when some have ended.");
        var second = (await few.ClientAsync(TestClients.BothWorkspaces)).ReadAsync(Of(two.TestId));
        await Wait.UntilAsync(() => few.Followers.Held == 2);
        await few.RefusesAsync(TestClients.ReadOnly, Of(one.TestId), HttpStatusCode.TooManyRequests, "This account has as many requests that wait for changes under way as it may. Ask again when some have ended.");
        using (var stream = await (await few.ClientAsync(TestClients.OtherAccount)).GetAsync(new Uri("/api/v3/changes/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled))
        {
            await few.RefusesAsync(
                TestClients.OtherAccountWithWorkspaceA, Of(one.TestId), HttpStatusCode.ServiceUnavailable,
                "There are as many requests that wait for changes under way as the service takes at a time. Ask again when some have ended.");
            using var now = await (await few.ClientAsync(TestClients.Reader)).ReadAsync("/api/v3/changes");
            Assert.Equal(HttpStatusCode.OK, now.StatusCode);
        }

        using var writer = await few.ClientAsync(TestClients.Reader);
        await writer.RecordAsync(one);
        await writer.RecordAsync(two);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await waiting).StatusCode, (await second).StatusCode]);
        await Wait.UntilAsync(() => few.Followers.Held == 0);

        static string Of(Guid test) => $"/api/v3/changes?wait=60&testId={test}";
    }

    /// <summary>Reads that take long: what they ask for is locked.</summary>
    [Fact]
    public async Task Slow_reads_of_a_client_wait_for_each_other_and_no_other_client_does()
    {
        var shares = few.Host.Services.GetRequiredService<ClientShares>();
        const string ofReels = "/api/v2/testResults/{0}/highlightreels";
        var slow = new List<Task<HttpResponseMessage>>();
        await using (var holder = await few.Host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled))
        {
            await using var transaction = await holder.BeginTransactionAsync(Cancelled);
            await holder.ExecuteAsync($"set local idle_in_transaction_session_timeout = 0; lock table {HighlightReelTable.Documents.QualifiedName}", [], Cancelled);
            await AskAsync(TestClients.Reader, few.OfOne, held: 1, waiting: 0);
            await AskAsync(TestClients.Reader, few.OfOne, held: 2, waiting: 0);
            await AskAsync(TestClients.Reader, few.OfOne, held: 2, waiting: 1);
            await few.RefusesAsync(TestClients.Reader, Of(few.OfOne), HttpStatusCode.TooManyRequests, "This client has as many reads under way as it may. Ask again when some have ended.");

            // The account has one more place, and so has the node.
            await ReadsAsync(TestClients.BothWorkspaces, few.OfOne);
            await AskAsync(TestClients.BothWorkspaces, few.OfOne, held: 3, waiting: 1);
            await AskAsync(TestClients.ReadOnly, few.OfOne, held: 3, waiting: 2);
            await few.RefusesAsync(TestClients.BothWorkspaces, $"/api/v3/sessionResults/{few.OfOne.Id}", HttpStatusCode.TooManyRequests, "This account has as many reads under way as it may. Ask again when some have ended.");
            await ReadsAsync(TestClients.OtherAccount, few.OfTwo);
            await AskAsync(TestClients.OtherAccount, few.OfTwo, held: 4, waiting: 2);
            await AskAsync(TestClients.OtherAccountWithWorkspaceA, few.OfTwo, held: 4, waiting: 3);
            await few.RefusesAsync(
                TestClients.OtherAccount, $"/api/v3/sessionResults/{few.OfTwo.Id}", HttpStatusCode.ServiceUnavailable,
                "There are as many reads under way as the service takes at a time. Ask again when some have ended.");
            // Whoever goes is not waited for, and what is open to all needs no place.
            using var health = await (await few.ClientAsync(TestClients.Reader)).ReadAsync("/health/live");
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            await transaction.CommitAsync(Cancelled);
        }

        foreach (var answer in await Task.WhenAll(slow))
            Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound);
        await Wait.UntilAsync(() => (shares.Reads.Held, shares.WaitingReads.Held) == (0, 0));

        static string Of(SessionBuilder session) => string.Format(CultureInfo.InvariantCulture, ofReels, session.TestId);

        async Task AskAsync(string client, SessionBuilder session, long held, long waiting)
        {
            slow.Add((await few.ClientAsync(client)).ReadAsync(Of(session)));
            await Wait.UntilAsync(() => (shares.Reads.Held, shares.WaitingReads.Held) == (held, waiting));
        }

        async Task ReadsAsync(string client, SessionBuilder session)
        {
            using var answer = await (await few.ClientAsync(client)).ReadAsync($"/api/v3/sessionResults/{session.Id}");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_read_waits_for_so_long_and_gives_up_its_place_in_the_line()
    {
        var (clock, shares) = (new FakeTimeProvider(), new ClientShares(new SharesOptions
        {
            Reads = new ShareLimits { PerClient = 1, PerAccount = 1, PerNode = 1 },
            ReadWaitSeconds = 3,
        }));
        var turns = new ReadTurns(shares, clock);
        var (first, order) = (new TaskCompletionSource(), new List<string>());
        var running = ServeAsync("a", first.Task);
        var (gaveUp, second, third) = (ServeAsync("a", Task.CompletedTask), ServeAsync("b", Task.CompletedTask), ServeAsync("a", Task.CompletedTask, leaves: true));
        await third;
        Assert.Equal((1, 2), (shares.Reads.Held, shares.WaitingReads.Held));
        clock.Advance(TimeSpan.FromSeconds(2));
        var last = ServeAsync("c", Task.CompletedTask);
        clock.Advance(TimeSpan.FromSeconds(1));
        int[] refused = [await gaveUp, await second];
        Assert.Equal([429, 429], refused);
        first.SetResult();

        int[] served = [await running, await last];
        Assert.Equal([200, 200], served);
        Assert.Equal((0, 0), (shares.Reads.Held, shares.WaitingReads.Held));
        Assert.Equal(["a", "c"], order);

        async Task<int> ServeAsync(string client, Task work, bool leaves = false)
        {
            using var services = new ServiceCollection().AddLogging().AddProblemDetails().BuildServiceProvider();
            var http = new DefaultHttpContext { RequestServices = services };
            http.Request.Method = HttpMethods.Get;
            http.SetEndpoint(new Endpoint(null, EndpointMetadataCollection.Empty, null));
            http.User = new CallerPrincipal(new ClaimsIdentity("test"), new Caller(TestClients.AccountOne, [TestClients.WorkspaceA], client, []));
            if (leaves)
                http.RequestAborted = new CancellationToken(canceled: true);
            await turns.ServeAsync(http, _ =>
            {
                order.Add(client);
                return work;
            });
            return http.Response.StatusCode;
        }
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
    public async Task A_request_of_lines_of_which_nothing_comes_ends_and_says_what_is_stored()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new("Shares:LinesIdleSeconds", "1")]);
        using var http = await AppFixture.ClientAsync(host);
        var line = TestData.Session();
        using var silent = new HeldBody(line.Events[0].ToJsonString() + "\n{");
        silent.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-ndjson");
        using var lines = await http.PostAsync(new Uri(Lines, UriKind.Relative), silent, Cancelled);
        var problem = await lines.ProblemAsync(HttpStatusCode.RequestTimeout);
        Assert.Equal("No byte came for 1 s; every line through 1 is stored or refused. Send the lines after it again, or all of them.", (string?)problem["detail"]);
        Assert.Equal(1, (int)problem["storedThroughLine"]!);
        Assert.Single(await host.StoredAsync(line.Id));
    }

    [Theory]
    [InlineData("Exports", 0, 1, 1)]
    [InlineData("Lines", 3, 2, 4)]
    [InlineData("Followers", 2, 1, 4)]
    [InlineData("UploadMebibytes", 3, 8, 8)]
    [InlineData("Exports", 1, 3, 2)]
    public void Parts_that_do_not_fit_into_each_other_are_no_settings(string name, int client, int account, int node)
    {
        var limits = new ShareLimits { PerClient = client, PerAccount = account, PerNode = node };
        var options = name switch
        {
            "Exports" => new SharesOptions { Exports = limits },
            "Lines" => new SharesOptions { Lines = limits },
            "Followers" => new SharesOptions { Followers = limits },
            _ => new SharesOptions { UploadMebibytes = limits },
        };
        Assert.StartsWith($"Shares:{name} must be from ", Assert.Single(SharesOptions.Problems(options)), StringComparison.Ordinal);
        Assert.Empty(SharesOptions.Problems(new()));
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

    /// <summary>A host with small shares, and a session of each account.</summary>
    public sealed class Few : IAsyncLifetime
    {
        private readonly TempFolder _data = new();

        public IAlbaHost Host { get; private set; } = null!;

        internal Shares Exports => Host.Services.GetRequiredService<ClientShares>().Exports;

        internal Shares Followers => Host.Services.GetRequiredService<ClientShares>().Followers;

        internal SessionBuilder OfOne { get; } = TestData.Session();

        internal SessionBuilder OfTwo { get; } = TestData.Session(TestClients.WorkspaceOfTwo);

        public async ValueTask InitializeAsync()
        {
            Host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), .. Settings()]);
            using var one = await ClientAsync(TestClients.Reader);
            using var two = await ClientAsync(TestClients.OtherAccount);
            await one.RecordAsync(OfOne);
            await two.RecordAsync(OfTwo);

            static IEnumerable<KeyValuePair<string, string?>> Settings()
            {
                foreach (var (name, client, account, node) in new[] { ("Exports", 1, 2, 3), ("Lines", 1, 2, 3), ("Followers", 1, 2, 3), ("UploadMebibytes", 4, 6, 8), ("Reads", 2, 3, 4), ("WaitingReads", 1, 2, 3) })
                {
                    yield return new($"Shares:{name}:PerClient", $"{client}");
                    yield return new($"Shares:{name}:PerAccount", $"{account}");
                    yield return new($"Shares:{name}:PerNode", $"{node}");
                }

                yield return new("Shares:ReadWaitSeconds", "600");
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _data.Dispose();
        }

        internal Task<HttpClient> ClientAsync(string client) => AppFixture.ClientAsync(Host, client);

        /// <summary>An export that has begun and gets no connection.</summary>
        internal async Task<Task<HttpResponseMessage>> HeldExportAsync(string client, SessionBuilder session, long held)
        {
            var export = (await ClientAsync(client)).ReadAsync(Export(session));
            await Wait.UntilAsync(() => Exports.Held == held);
            return export;
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
