using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Alba;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Sessions;
using ResultsEs.Tests.EventStore;
using ResultsEs.Tests.OpenApi;
using Wolverine.Persistence.Durability;

namespace ResultsEs.Tests.Access;

/// <summary>
/// Every route of the service, as it is mapped: who may call it, and what strangers learn of ids that are somebody else's. A route that is
/// added without access, or with a parameter that has no value here, fails these tests by itself.
/// </summary>
public sealed partial class EveryRouteTests(EveryRouteTests.Stored stored) : IClassFixture<EveryRouteTests.Stored>
{
    /// <summary>The routes that need no token: tokens and their discovery, health, the description with its page, files by signed addresses, and the explorer.</summary>
    private static readonly string[] Open = ["/oauth2/", "/.well-known/", "/health/", "/openapi/", "/docs", "/export-files/", "/explorer/", "/tests/", "/sessions/", "/operating", "/sign-in"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<RouteEndpoint> Routes => stored.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    [Fact]
    public void A_route_asks_for_a_scope_or_is_one_of_those_that_need_no_token() => Assert.All(Routes, route =>
    {
        var pattern = "/" + route.RoutePattern.RawText!.TrimStart('/');
        var isOpen = pattern == "/" || Open.Any(prefix => pattern.StartsWith(prefix, StringComparison.Ordinal));
        Assert.True(isOpen == (ScopeOf(route) is null), pattern);
        Assert.True(ScopeOf(route) is null || Scopes.All.Contains(ScopeOf(route)!), pattern);
    });

    [Fact]
    public async Task Without_a_token_it_is_401_and_without_the_scope_403()
    {
        var calls = Calls().ToList();
        Assert.InRange(calls.Count, 17, 200);
        foreach (var call in calls)
        {
            var others = call.Scope == Scopes.EventsWrite ? TestClients.ReadOnly : TestClients.WriteOnly;
            using var nobody = stored.Http(null);
            using var withoutScope = stored.Http(others);
            using var unknown = await SendAsync(nobody, call, stored.Values);
            using var refused = await SendAsync(withoutScope, call, stored.Values);

            Assert.Equal(
                (call.Name, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, $"Bearer error=\"insufficient_scope\", scope=\"{call.Scope}\"{(call.Address == "/mcp/" ? ", resource_metadata=\"http://localhost:5080/.well-known/oauth-protected-resource/mcp\"" : "")}"),
                (call.Name, unknown.StatusCode, refused.StatusCode, refused.Headers.WwwAuthenticate.ToString()));
        }
    }

    [Theory]
    [InlineData(TestClients.OtherWorkspace)]
    [InlineData(TestClients.OtherAccount)]
    [InlineData(TestClients.OtherAccountWithWorkspaceA)]
    [InlineData(TestClients.Hooks)]
    [InlineData(TestClients.HooksOfTwo)]
    public async Task What_is_somebody_elses_is_answered_as_what_is_not_there(string stranger)
    {
        using var http = stored.Http(stranger);
        // A workspace of the same id is the other account's own.
        var isOwn = stranger == TestClients.OtherAccountWithWorkspaceA;
        // One of the same workspace sees its sessions, and not the webhooks of another client.
        foreach (var call in Calls().Where(call => call.Parameters.Count > 0 && !(isOwn && call.Parameters is ["workspaceUuid"])
            && (stranger != TestClients.Hooks || call.Parameters.Contains("webhookId"))))
        {
            // What a node reads once, such as clients, is read by now.
            await SaysAsync(http, call, stored.Values);
            var absent = stored.Values.ToDictionary(value => value.Key, _ => Guid.NewGuid(), StringComparer.Ordinal);
            var says = (call.Name, await SaysAsync(http, call, absent));
            Assert.Equal(says, (call.Name, await SaysAsync(http, call, stored.Values)));
            Assert.Equal(says, (call.Name, await SaysAsync(http, call, stored.OfGiant)));
            Assert.True(!call.Parameters.Contains("sessionId") || !says.Item2.StartsWith("404", StringComparison.Ordinal) || says.Item2.Contains("select ", StringComparison.Ordinal), says.Item2);
        }

        // Whose it is still reads all of it.
        using var owner = stored.Http(TestClients.Privacy);
        foreach (var call in Calls().Where(call => call.Method == HttpMethod.Get))
        {
            using var answer = await SendAsync(owner, call, stored.Values);
            Assert.Equal((call.Name, HttpStatusCode.OK), (call.Name, answer.StatusCode));
        }
    }

    private static string? ScopeOf(RouteEndpoint route) => route.Metadata.GetMetadata<IAuthorizeData>()?.Policy;

    private IEnumerable<Call> Calls() =>
        from route in Routes
        where ScopeOf(route) is not null
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods
        let pattern = route.RoutePattern.RawText!
        // The lists name their test in the query.
        let address = pattern == "/api/v2/sessionResults" ? pattern + "?testId={testId}" : pattern == "/api/v3/answers" ? pattern + "?q=word&testId={testId}" : pattern
        select new Call(new HttpMethod(method), address, ScopeOf(route)!, [.. Parameter().Matches(address).Select(match => match.Groups["name"].Value)]);

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, Call call, IReadOnlyDictionary<string, Guid> values) =>
        http.SendAsync(RequestOf(call, values), HttpCompletionOption.ResponseHeadersRead, Cancelled);

    private static HttpRequestMessage RequestOf(Call call, IReadOnlyDictionary<string, Guid> values)
    {
        var path = Parameter().Replace(call.Address, match => values.TryGetValue(match.Groups["name"].Value, out var value)
            ? value.ToString()
            : throw new KeyNotFoundException($"{call.Name}: say in {nameof(Stored)} what {match.Value} is."));
        var request = new HttpRequestMessage(call.Method, new Uri(path, UriKind.Relative));
        if (call.Method != HttpMethod.Get && call.Method != HttpMethod.Delete)
            request.Content = new StringContent("[]", Encoding.UTF8, "application/json");
        return request;
    }

    /// <summary>Status, headers and body of an answer, without what no two answers share, and the statements that it cost.</summary>
    private static async Task<string> SaysAsync(HttpClient http, Call call, IReadOnlyDictionary<string, Guid> values)
    {
        using var request = RequestOf(call, values);
        var (answer, statements) = await SentStatements.OfAsync(http, request);
        using var _ = answer;
        var headers = answer.Headers.Concat(answer.Content.Headers)
            .Where(header => !header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase) && header.Key is not ("Date" or "x-as-of"))
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}").Order(StringComparer.Ordinal);
        return $"{(int)answer.StatusCode} {string.Join("; ", headers)} {Changing().Replace(await answer.Content.ReadAsStringAsync(Cancelled), "")} {statements}";
    }

    [GeneratedRegex("[{](?<name>[A-Za-z]+)[}]", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Parameter();

    [GeneratedRegex("\"(?:traceId|asOf)\": ?\"[^\"]*\"", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Changing();

    /// <summary>One method of one route.</summary>
    private sealed record Call(HttpMethod Method, string Address, string Scope, IReadOnlyList<string> Parameters)
    {
        public string Name => $"{Method} {Address}";
    }

    /// <summary>A host with one of everything that has an id, in account one's workspace A.</summary>
    public sealed class Stored : IAsyncLifetime
    {
        private static readonly string[] Clients =
            [TestClients.Reader, TestClients.OtherWorkspace, TestClients.OtherAccount, TestClients.OtherAccountWithWorkspaceA, TestClients.ReadOnly, TestClients.WriteOnly, TestClients.Privacy, TestClients.Hooks, TestClients.HooksOfTwo];

        private readonly TempFolder _data = new();
        private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);

        public IAlbaHost Host { get; private set; } = null!;

        /// <summary>The value of each parameter that a route has.</summary>
        public IReadOnlyDictionary<string, Guid> Values { get; private set; } = null!;

        /// <summary>The same with a session, alone in its test, whose result has 30 MB.</summary>
        public IReadOnlyDictionary<string, Guid> OfGiant { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            // The object store signs addresses, and nobody asks it for anything.
            Host = await AppFixture.StartAsync("Production", _data, [
                .. TestClients.Settings(),
                new("ObjectStore:Bucket", "results"), new("ObjectStore:AccessKey", "key"), new("ObjectStore:SecretKey", "secret"),
            ]);
            using (var anonymous = DescribedAnswers.Of(Host))
            {
                foreach (var client in Clients)
                    _tokens[client] = await Tokens.AskAsync(anonymous, client);
            }

            using var privacy = Http(TestClients.Privacy);
            using var webhook = await privacy.PostAsync(
                new Uri("/api/v3/webhooks", UriKind.Relative),
                new StringContent("""{"url":"https://hooks.invalid/","kinds":["session.updated"]}""", Encoding.UTF8, "application/json"), Cancelled);
            var webhookId = (Guid)(await webhook.JsonAsync())["webhook"]!["webhookId"]!;
            var (test, clip) = (Guid.NewGuid(), Guid.NewGuid());
            var session = TestData.Interaction(test: test).Profiled().WithAnswer(Answers.Figma()).Scored().Transcribed()
                .WithVideo().WithClip(clip).WithClipGenerated(clip).Completed();
            var reel = TestData.Reel(test, clip).Generated();
            using var owner = Http(TestClients.Reader);
            await owner.RecordAsync(session);
            await owner.RecordAsync(reel);
            JsonArray deliveries = null!;
            await Wait.UntilAsync(async () =>
                (deliveries = (await privacy.JsonAsync($"/api/v3/webhooks/{webhookId}/deliveries"))["deliveries"]!.AsArray()).Count > 0);
            using var erased = await privacy.DeleteAsync(new Uri($"/api/v2/participants/{Guid.NewGuid()}", UriKind.Relative), Cancelled);
            using var added = await privacy.PostAsJsonAsync("/api/v3/clients", new { name = "added", workspaces = new[] { TestClients.WorkspaceA }, scopes = new[] { Scopes.StudiesRead } }, Cancelled);
            var letter = await DeadLetterOf(Host, TestClients.AccountOne);
            using var exported = await owner.PostAsync(new Uri("/api/v3/exports", UriKind.Relative), null, Cancelled);
            Values = new Dictionary<string, Guid>(StringComparer.Ordinal)
            {
                ["clientId"] = Guid.Parse((string)(await added.JsonAsync())["client"]!["clientId"]!),
                ["sessionId"] = session.Id,
                ["taskId"] = session.Tasks[0],
                ["testId"] = test,
                ["studyUuid"] = test,
                ["clipUuid"] = clip,
                ["reelId"] = reel.Id,
                ["workspaceUuid"] = TestClients.WorkspaceA,
                ["letterId"] = letter,
                ["participantId"] = Guid.Parse("5a000000-0000-4000-8000-000000000003"),
                ["webhookId"] = webhookId,
                ["subjectId"] = session.Id,
                ["deliveryId"] = (Guid)deliveries[0]!["deliveryId"]!,
                ["exportId"] = (Guid)(await exported.JsonAsync())["exportId"]!,
                ["erasureId"] = (Guid)(await erased.JsonAsync())["erasureId"]!,
            };
            var database = Host.Services.GetRequiredService<NpgsqlDataSource>();
            await SetAside.AddAsync(
                database, NullLogger.Instance, "a worker", new StreamKey(Tenant.Of(TestClients.AccountOne), session.Id), new InvalidOperationException("it fails"), Cancelled);
            var giant = TestData.Session().WithAnswer(Answers.Nps(9)).Completed();
            await owner.RecordAsync(giant);
            await using (var command = database.CreateCommand(
                $"update {SessionResultTable.Name} set data = jsonb_set(data, '{{body,giant}}', to_jsonb(repeat('x', 30000000))) where id = '{giant.Id}'"))
                await command.ExecuteNonQueryAsync(Cancelled);
            OfGiant = new Dictionary<string, Guid>(Values, StringComparer.Ordinal)
            {
                ["sessionId"] = giant.Id,
                ["taskId"] = giant.Tasks[0],
                ["testId"] = giant.TestId,
                ["studyUuid"] = giant.TestId,
            };
        }

        /// <summary>Keeps a message of an account that could not be stored.</summary>
        internal static async Task<Guid> DeadLetterOf(IAlbaHost host, Guid account, string body = "[]", string reason = "invalid: no events", Uri? queue = null)
        {
            var letter = new SessionEventsDelivery(
                account, [TestClients.WorkspaceA], "queue /", queue ?? RabbitMqOptions.AddressOf("/"), "application/cloudevents-batch+json",
                new Dictionary<string, string?>(StringComparer.Ordinal), Encoding.UTF8.GetBytes(body)).ToEnvelope();
            await host.Services.GetRequiredService<IMessageStore>().Inbox.MoveToDeadLetterStorageAsync(letter, new RefusedDeliveryException(reason));
            return letter.Id;
        }

        /// <summary>Puts such a message into the database of another service, whose tables are there.</summary>
        internal static async Task CopyDeadLetterAsync(IAlbaHost host, Guid account, string database)
        {
            var id = await DeadLetterOf(host, account);
            await using var from = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
                "delete from results.wolverine_dead_letters l where l.id = $1 returning to_jsonb(l)::text");
            from.Parameters.Add(new() { Value = id });
            var row = (string)(await from.ExecuteScalarAsync(Cancelled))!;
            await using var other = NpgsqlDataSource.Create(database);
            await using var to = other.CreateCommand(
                "insert into results.wolverine_dead_letters select * from jsonb_populate_record(null::results.wolverine_dead_letters, $1::jsonb)");
            to.Parameters.Add(new() { Value = row });
            await to.ExecuteNonQueryAsync(Cancelled);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _data.Dispose();
        }

        /// <summary>A client with the token of one of the test clients; without any for null.</summary>
        public HttpClient Http(string? client)
        {
            var http = DescribedAnswers.Of(Host);
            if (client is not null)
                http.DefaultRequestHeaders.Authorization = new("Bearer", _tokens[client]);
            return http;
        }
    }
}
