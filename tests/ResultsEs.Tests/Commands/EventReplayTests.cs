using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Commands;

/// <summary><c>-- replay --since POSITION --to TARGET</c>.</summary>
public sealed class EventReplayTests(EventReplayTests.Recorded recorded) : IClassFixture<EventReplayTests.Recorded>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_of_all_events_is_imported_elsewhere_and_gives_the_same_documents()
    {
        var file = Path.Combine(recorded.Data.Path, "events.ndjson");
        var count = recorded.Everything.Events.Count + recorded.Traced.Events.Count;
        var run = await RunAsync(recorded.Database, "replay", "--since", "0", "--to", file, "--account", TestClients.AccountOne.ToString());
        Assert.True(run.ExitCode == 0, run.Errors);
        var last = await AskAsync<long>(recorded.Database, "select last_value from results.mt_events_sequence");
        Assert.EndsWith($"{count} events sent; go on with --since {last}", run.Output.Trim(), StringComparison.Ordinal);
        Assert.False(File.Exists(file + ".part"));

        // As they came, and what was added to them.
        var lines = (await File.ReadAllLinesAsync(file, Cancelled)).Select(line => JsonNode.Parse(line)!.AsObject()).ToList();
        var sent = recorded.Everything.Events.Concat(recorded.Traced.Events).ToList();
        Assert.Equal(await PositionsAsync(), lines.Select(line => (string)line["sequence"]!));
        Assert.All(lines, line => Assert.Equal(TestClients.AccountOne, (Guid)line["accountid"]!));
        Assert.Equal(sent.Select(e => ((string)e["id"]!, (string)e["type"]!, (string)e["subject"]!, (string?)e["traceparent"])), lines.Select(e => ((string)e["id"]!, (string)e["type"]!, (string)e["subject"]!, (string?)e["traceparent"])));

        var elsewhere = await TestDatabase.CreateAsync();
        var import = await RunAsync(elsewhere, "import", file, "--client", TestClients.Reader);
        Assert.True(import.ExitCode == 0, import.Output + import.Errors);
        const string Documents = "select string_agg(data::text, E'\\n' order by id) from results.mt_doc_session_result_2 where tenant_id = '11111111-0000-4000-8000-000000000001'";
        Assert.Equal(await AskAsync<string>(recorded.Database, Documents), await AskAsync<string>(elsewhere, Documents));
        Assert.Equal((long)count, await AskAsync<long>(elsewhere, "select count(*) from results.mt_events"));

        // The same again is a file that is there.
        var again = await RunAsync(recorded.Database, "replay", "--since", "0", "--to", file);
        Assert.Equal((1, $"Nothing is complete: {file} is there already."), (again.ExitCode, again.Errors.Trim()));
    }

    [Fact]
    public async Task The_standard_output_holds_events_alone_and_a_part_can_be_asked_for()
    {
        var positions = await PositionsAsync();
        var run = await RunAsync(recorded.Database, "replay", "--since", positions[1], "--until", positions[3], "--to", "-");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(positions[2..4], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (string)JsonNode.Parse(line)!["sequence"]!));
        Assert.Contains($"2 events sent; go on with --since {positions[3]}", run.Errors, StringComparison.Ordinal);
        Assert.Contains(@"\u009b2J\u202e\u007f", run.Output, StringComparison.Ordinal);
        Assert.Equal(Recorded.Note, (string?)JsonNode.Parse(run.Output.Split('\n')[1])!["data"]!["note"]);
    }

    /// <summary>The positions of the account's stored events, in order. There are gaps, because a start rehearses a commit.</summary>
    private async Task<string[]> PositionsAsync() =>
        (await AskAsync<string>(
            recorded.Database,
            $"select string_agg(seq_id::text, ',' order by seq_id) from results.mt_events where tenant_id = '{TestClients.AccountOne}'")).Split(',');

    [Fact]
    public async Task A_writer_that_is_not_done_is_waited_for_and_never_passed_over()
    {
        await using var writer = new NpgsqlConnection(recorded.Copy);
        await writer.OpenAsync(Cancelled);
        await using var transaction = await writer.BeginTransactionAsync(Cancelled);
        // An event of a new session, stored and not yet committed, and one behind it that is.
        await ExecuteAsync(
            writer,
            """
            insert into results.mt_streams (tenant_id, id, type, version) select tenant_id, '5a000000-0000-4000-8000-00000000feed', type, 1 from results.mt_streams limit 1;
            insert into results.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, headers)
            select nextval('results.mt_events_sequence'), '5a000000-0000-4000-8000-00000000beef', s.id, 1, e.data, e.type, now(), s.tenant_id, e.headers
            from results.mt_streams s cross join (select * from results.mt_events order by seq_id limit 1) e where s.id = '5a000000-0000-4000-8000-00000000feed'
            """);
        await using (var host = await AppFixture.StartAsync("Production", recorded.Data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, recorded.Copy)]))
        using (var http = await AppFixture.ClientAsync(host))
            await http.RecordAsync(TestData.Session());

        using var replay = ServiceProcess.Start(["replay", "--since", "0", "--to", "-"], Environment(recorded.Copy));
        var output = replay.Process.StandardOutput.ReadToEndAsync(Cancelled);
        await Wait.UntilAsync(async () => await AskAsync<long>(recorded.Copy, "select count(*) from pg_stat_activity where query like 'select pg_snapshot_xmin%' and datname = current_database()") > 0);
        Assert.False(output.IsCompleted);
        await transaction.CommitAsync(Cancelled);

        var ids = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (Guid)JsonNode.Parse(line)!["id"]!).ToList();
        Assert.Equal(Guid.Parse("5a000000-0000-4000-8000-00000000beef"), ids[^2]);
    }

    [Fact]
    public async Task A_queue_gets_each_event_as_a_message_that_the_broker_has_confirmed()
    {
        var address = await (await TestBroker.GetAsync()).AddVirtualHostAsync("replay");
        await using var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync(Cancelled);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancelled);

        var nowhere = await RunAsync(recorded.Database, "replay", "--since", "0", "--to", $"{address}?queue=downstream");
        Assert.Equal(
            (1, "No queue takes the messages. 0 events were confirmed, and some after them may be there; go on with --since 0"),
            (nowhere.ExitCode, nowhere.Errors.Trim()));

        await channel.QueueDeclareAsync("downstream", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancelled);
        var run = await RunAsync(recorded.Database, "replay", "--since", "0", "--to", $"{address}?queue=downstream");
        Assert.True(run.ExitCode == 0, run.Errors);
        var received = new List<string>();
        while (await channel.BasicGetAsync("downstream", autoAck: true, Cancelled) is { } message)
        {
            var e = JsonNode.Parse(message.Body.Span)!;
            Assert.Equal(((string)e["id"]!, "application/cloudevents+json", true), (message.BasicProperties.MessageId, message.BasicProperties.ContentType, message.BasicProperties.Persistent));
            received.Add((string)e["id"]!);
        }

        Assert.Equal(recorded.Everything.Events.Concat(recorded.Traced.Events).Select(e => (string)e["id"]!), received.SkipLast(1));
    }

    [Theory]
    [InlineData("Sending events again takes --since, a position from 0, and --to, a file, - or an address of a queue.", "--since", "0")]
    [InlineData("Sending events again takes --since, a position from 0, and --to, a file, - or an address of a queue.", "--to", "-")]
    [InlineData("--since and --to go with --until and --account alone.", "--since", "0", "--to", "-", "--step")]
    [InlineData("--until must not be before --since.", "--since", "5", "--to", "-", "--until", "4")]
    [InlineData("--account must be a UUID.", "--since", "0", "--to", "-", "--account", "x")]
    [InlineData("Nothing is complete: An address of a queue has the form amqp://user:password@host/virtual-host?queue=NAME, or ?exchange=NAME&routing-key=KEY.", "--since", "0", "--to", "amqp://localhost/")]
    public async Task What_cannot_be_sent_says_why(string expected, params string[] arguments)
    {
        var run = await RunAsync(recorded.Database, ["replay", .. arguments]);

        Assert.Equal((1, expected), (run.ExitCode, run.Errors.TrimEnd().Split('\n')[^1]));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string database, params string[] arguments) => ServiceProcess.RunAsync(arguments, Environment(database));

    private IEnumerable<(string Name, string Value)> Environment(string database) =>
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, recorded.Data.Path), .. ServiceProcess.ToEnvironment(TestClients.Settings())];

    private static async Task<T> AskAsync<T>(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    /// <summary>A database that these tests read, and a copy of it to write to.</summary>
    public sealed class Recorded : IAsyncLifetime
    {
        /// <summary>What a terminal would obey, and the database gives as it is.</summary>
        internal const string Note = "\u009b2J\u202e\u007f";

        internal TempFolder Data { get; } = new();

        internal SessionBuilder Everything { get; } = TestData.SessionWithEverything();

        internal SessionBuilder Traced { get; } = TestData.Session().WithAnswer(Answers.Nps(3));

        internal string Database { get; private set; } = null!;

        internal string Copy { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            await using (var host = await AppFixture.StartAsync("Production", Data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, Database)]))
            {
                using var http = await AppFixture.ClientAsync(host);
                using var other = await AppFixture.ClientAsync(host, TestClients.OtherAccount);
                Everything.Events[3]["data"]!["note"] = Note;
                await http.RecordAsync(Everything);
                Traced.Events[0]["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
                await http.RecordAsync(Traced);
                await other.RecordAsync(TestData.Session(TestClients.WorkspaceOfTwo));
            }

            Copy = await TestDatabase.CopyAsync(Database);
        }

        public ValueTask DisposeAsync()
        {
            Data.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
