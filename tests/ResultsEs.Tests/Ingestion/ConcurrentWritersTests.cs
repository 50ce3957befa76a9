using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion;

/// <summary>events.md, rule 4: nothing accepted is missing from the document, however many write at once.</summary>
public sealed class ConcurrentWritersTests
{
    private const int Writers = 32;
    private const int RequestsEach = 12;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Many_writers_on_few_sessions_all_succeed_and_every_event_is_in_the_document(int nodes)
    {
        using var data = new TempFolder();
        var database = await TestDatabase.CreateAsync();
        var hosts = new List<IAlbaHost>();
        try
        {
            for (var i = 0; i < nodes; i++)
                hosts.Add(await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, database)]));

            var clients = await Task.WhenAll(hosts.Select(host => ClientAsync(host)));
            // Not started before: the first writers also compete for making the streams.
            var sessions = Enumerable.Range(0, 3).Select(_ => TestData.Session()).ToArray();
            var tasks = sessions.ToDictionary(session => session.Id, _ => new ConcurrentBag<Guid>());
            var statuses = new ConcurrentBag<HttpStatusCode>();
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                var http = clients[writer % nodes];
                for (var request = 0; request < RequestsEach; request++)
                {
                    // Most requests write one session; each fourth all three, in an order of its own.
                    var batch = request % 4 == 0
                        ? sessions.Select((_, i) => sessions[(i + writer) % sessions.Length])
                        : [sessions[(writer + request) % sessions.Length]];
                    var events = new JsonArray();
                    foreach (var session in batch)
                    {
                        if (request == 0)
                            events.Add(session.Events[0].DeepClone());
                        var answered = TestData.SessionOnly().WithAnswer(Answers.Nps(request % 11)).Events[0];
                        answered["subject"] = session.Id.ToString();
                        events.Add(answered);
                        tasks[session.Id].Add(Guid.Parse((string)answered["data"]!["taskId"]!));
                    }

                    using var answer = await http.SendAsync(events.ToJsonString());
                    statuses.Add(answer.StatusCode);
                }
            })));

            Assert.Equal([HttpStatusCode.OK], statuses.Distinct());
            foreach (var session in sessions)
            {
                var result = await clients[0].ResultAsync(session.Id);
                Assert.Equal(
                    tasks[session.Id].Order(),
                    result["tasks"]!.AsArray().Select(task => Guid.Parse((string)task!["uuid"]!)).Order());
            }

            Assert.Equal(sessions.Length + tasks.Values.Sum(bag => bag.Count), await CountEventsAsync(hosts[0]));
        }
        finally
        {
            foreach (var host in hosts)
                await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_same_batch_sent_by_many_at_once_is_stored_once()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, TestClients.Settings(firstIndex: 1));
        var http = await ClientAsync(host);
        var session = TestData.Session().WithAnswer(Answers.Nps(3)).WithAnswer(Answers.Blank()).Completed();

        var answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async _ =>
        {
            using var answer = await http.SendAsync(session);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.JsonAsync();
        }));

        Assert.Equal(session.Events.Count, answers.Sum(answer => (int)answer["accepted"]!));
        Assert.Equal(session.Events.Count * (Writers - 1), answers.Sum(answer => (int)answer["duplicates"]!));
        Assert.Equal(session.Events.Count, await CountEventsAsync(host));
    }

    private static async Task<HttpClient> ClientAsync(IAlbaHost host)
    {
        var http = DescribedAnswers.Of(host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        return http;
    }

    private static async Task<long> CountEventsAsync(IAlbaHost host)
    {
        await using var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            // A commit that lost a race leaves tombstones in place of its sequence numbers.
            "select count(*) from results.mt_events where type <> 'tombstone'");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
