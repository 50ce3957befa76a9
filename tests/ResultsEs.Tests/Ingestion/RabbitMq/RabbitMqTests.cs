using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using ResultsEs.Common;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion.RabbitMq;

/// <summary>Events through a real broker: what is taken, whose it is, what is refused, and that nothing is lost or twice.</summary>
public sealed class RabbitMqTests(RabbitMqFixture rabbit) : IClassFixture<RabbitMqFixture>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Producer.Single)]
    [InlineData("application/cloudevents+json; charset=utf-8")]
    [InlineData("application/json")]
    [InlineData(null)]
    public async Task One_event_in_structured_mode(string? contentType)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        foreach (var sent in session.Events)
            await rabbit.One.PublishAsync(sent.ToJsonString(), contentType);
        await AssertStoredAsync(session);
    }

    [Theory]
    [InlineData(Recorder.Batch)]
    [InlineData("application/json")]
    [InlineData(null)]
    public async Task A_batch(string? contentType)
    {
        var session = TestData.SessionWithEverything();
        await rabbit.One.PublishAsync(session.Json(), contentType);
        await AssertStoredAsync(session);
    }

    [Theory]
    [InlineData("cloudEvents:")]
    [InlineData("cloudEvents_")]
    public async Task Events_in_binary_mode(string prefix)
    {
        var session = TestData.SessionWithEverything();
        foreach (var sent in session.Events)
            await rabbit.One.PublishBinaryAsync(sent, prefix);
        await AssertStoredAsync(session);
    }

    [Theory]
    [InlineData(Producer.Single, "")]
    [InlineData(null, "")]
    [InlineData("application/json", "cloudEvents:")]
    public async Task A_byte_order_mark_before_the_body_does_not_matter(string? contentType, string prefix)
    {
        var session = TestData.Session();
        var sent = session.Events[0];
        var headers = prefix.Length == 0 ? null : sent.Where(member => member.Key != "data").ToDictionary(
            member => prefix + member.Key, member => (object?)(string)member.Value!, StringComparer.Ordinal);
        await rabbit.One.PublishAsync("\uFEFF" + (headers is null ? sent : sent["data"]!).ToJsonString(), contentType, headers);
        await AssertStoredAsync(session);
    }

    [Fact]
    public async Task A_packed_message_is_unpacked_within_the_limit()
    {
        var session = TestData.Session();
        await rabbit.One.PublishAsync(PackedBodyTests.Packed(session.Json()), Recorder.Batch);
        await AssertStoredAsync(session);

        var bomb = PackedBodyTests.Packed(TestData.Session().Json(), blanks: 50 * 1024 * 1024);
        await rabbit.One.PublishAsync(bomb, Recorder.Batch);
        var letter = await rabbit.DeadLetterAsync(letter => letter.Envelope.Data!.AsSpan().SequenceEqual(bomb));
        Assert.Equal("invalid: $ must have at most 4194304 bytes when it is unpacked", letter.ExceptionMessage);
        var cut = PackedBodyTests.Packed(TestData.Session().Json())[..^1];
        await rabbit.One.PublishAsync(cut, Recorder.Batch);
        letter = await rabbit.DeadLetterAsync(letter => letter.Envelope.Data!.AsSpan().SequenceEqual(cut));
        Assert.Equal("invalid: $ must be whole gzip, which it begins as", letter.ExceptionMessage);
    }

    [Fact]
    public async Task The_transcript_of_four_hours_is_taken_and_served_whole()
    {
        const string word = "понятно";
        var session = Sessions.LongTranscriptTests.Session(word);
        await rabbit.One.PublishAsync(session);
        await AssertStoredAsync(session);
        await Sessions.LongTranscriptTests.AssertServedAsync(await rabbit.ClientAsync(), session.Id, word);
    }

    [Fact]
    public async Task The_document_is_that_of_the_same_events_over_HTTP()
    {
        var (broker, http) = (TestData.SessionWithEverything(), await rabbit.ClientAsync());
        await rabbit.One.PublishAsync(broker);
        await AssertStoredAsync(broker);
        var one = (await http.ResultAsync(broker.Id)).ToJsonString();

        var other = await AppFixture.StartAsync("Development", new TempFolder(), TestClients.Settings(firstIndex: 1));
        await using (other)
        {
            var reader = DescribedAnswers.Of(other);
            reader.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(DescribedAnswers.Of(other), TestClients.Reader));
            await reader.RecordAsync(broker);
            Assert.Equal(one, (await reader.ResultAsync(broker.Id)).ToJsonString());
        }
    }

    [Fact]
    public async Task Duplicates_within_the_broker_and_between_it_and_HTTP_are_stored_once()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Nps(3));
        var http = await rabbit.ClientAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => i % 4 == 0 ? http.RecordAsync(session) : rabbit.One.PublishAsync(session).AsTask()));
        await rabbit.PassedAsync();
        Assert.Equal(3, (await rabbit.Host.StoredAsync(session.Id)).Count);
        Assert.DoesNotContain(await rabbit.DeadLettersAsync(), letter => RabbitMqFixture.BodyOf(letter).Contains(session.Id.ToString(), StringComparison.Ordinal));
        Assert.Equal(2, (await http.ResultAsync(session.Id))["tasks"]!.AsArray().Count);
    }

    [Fact]
    public async Task Many_messages_for_one_session_at_once_are_all_in_its_document()
    {
        var session = TestData.Session();
        for (var i = 0; i < 150; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        await Task.WhenAll(session.Events.Select(sent => rabbit.One.PublishAsync(sent.ToJsonString(), Producer.Single).AsTask()));
        await AssertStoredAsync(session);
        Assert.Equal(150, (await (await rabbit.ClientAsync()).ResultAsync(session.Id))["tasks"]!.AsArray().Count);
    }

    [Fact]
    public async Task The_virtual_host_decides_whose_events_they_are_whatever_the_message_says()
    {
        var session = TestData.Session(TestClients.WorkspaceA);
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["tenant-id"] = TestClients.AccountOne.ToString(),
            ["account"] = TestClients.AccountOne.ToString(),
        };
        await rabbit.Two.PublishAsync(session.Json(), Recorder.Batch, headers);
        await rabbit.StoredAsync(session.Id, 1);
        Assert.All(await rabbit.Host.StoredAsync(session.Id), row => Assert.Equal(TestClients.AccountTwo, row.Account));
        Assert.Equal(HttpStatusCode.NotFound, (await (await rabbit.ClientAsync()).GetResultAsync(session.Id)).StatusCode);
        Assert.NotNull(await (await rabbit.ClientAsync(TestClients.OtherAccountWithWorkspaceA)).ResultAsync(session.Id));
    }

    [Fact]
    public async Task A_producer_cannot_reach_the_virtual_host_of_another_account() =>
        await Assert.ThrowsAsync<OperationInterruptedException>(() => Producer.ConnectAsync(rabbit.HostOfTwoAsUserOfOne));

    [Fact]
    public async Task Sessions_outside_the_workspaces_of_the_binding_are_refused()
    {
        var started = TestData.Session(TestClients.WorkspaceB);
        await rabbit.One.PublishAsync(started);
        Assert.Equal("forbidden: [0].data.workspaceId must be one of the sender's workspaces", (await rabbit.DeadLetterAsync(started.Id.ToString())).ExceptionMessage);

        var session = TestData.Session(TestClients.WorkspaceB);
        await (await rabbit.ClientAsync(TestClients.OtherWorkspace)).RecordAsync(session);
        var answer = TestData.SessionOnly(session.Id).WithAnswer(Answers.Nps(1));
        await rabbit.One.PublishAsync(answer);
        Assert.Equal("forbidden: [0].subject must be a session of the sender's workspaces", (await rabbit.DeadLetterAsync((string)answer.Events[0]["id"]!)).ExceptionMessage);
        Assert.Single(await rabbit.Host.StoredAsync(session.Id));
    }

    public static TheoryData<string, string?, string> Invalid { get; } = new()
    {
        { "{\"no\":\"event\",\"mark\":1}", Producer.Single, "invalid: [0].specversion is required; [0].id is required; [0].subject is required; [0].source is required; [0].time is required; [0].type is required" },
        { "[\"mark 2\"", Recorder.Batch, "invalid: [0] must be a CloudEvent, a JSON object; $ must be JSON; it breaks off at line 1, byte 10, in event [1]" },
        { "mark 3", Producer.Single, "invalid: $ must be JSON; it breaks off at line 1, byte 1, in event [0]" },
        { "mark 4", "text/plain", "invalid: $ must have the content type application/cloudevents+json, application/cloudevents-batch+json or application/json, in UTF-8" },
        { "{\"mark\":5}", Recorder.Batch, "invalid: $ must be a JSON array of CloudEvents" },
        { "", null, "invalid: $ must be JSON; it breaks off at line 1, byte 1, in event [0]" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task What_is_not_valid_is_a_dead_letter_with_its_reason_and_its_bytes(string body, string? contentType, string reason)
    {
        await rabbit.One.PublishAsync(body, contentType);
        var letter = await rabbit.DeadLetterAsync(letter => RabbitMqFixture.BodyOf(letter) == body && letter.ExceptionMessage.StartsWith("invalid", StringComparison.Ordinal));
        Assert.Equal(reason, letter.ExceptionMessage);
        Assert.Equal(contentType, letter.Envelope.ContentType);
        Assert.Equal(Tenant.Of(TestClients.AccountOne), letter.Envelope.TenantId);
    }

    [Fact]
    public async Task One_invalid_event_refuses_its_whole_message_and_no_other()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.answer.score", "11");
        await rabbit.One.PublishAsync(session);
        var letter = await rabbit.DeadLetterAsync(session.Id.ToString());
        Assert.Equal("invalid: [1].data.answer.score must be a whole number from 0 to 10, not 11", letter.ExceptionMessage);
        Assert.Equal(session.Json(), RabbitMqFixture.BodyOf(letter));
        Assert.Empty(await rabbit.Host.StoredAsync(session.Id));

        var next = TestData.Session();
        await rabbit.One.PublishAsync(next);
        await AssertStoredAsync(next);
    }

    [Fact]
    public async Task A_message_in_binary_mode_that_is_not_valid_keeps_its_headers()
    {
        var sent = TestData.Session().Events[0];
        var id = (string)sent["id"]!;
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal) { ["cloudEvents:id"] = id, ["cloudEvents:type"] = "results.Unknown.v9", ["other"] = "x" };
        await rabbit.One.PublishAsync("} ,", "application/json", headers);
        var letter = await rabbit.DeadLetterAsync(letter => letter.Envelope.Headers.TryGetValue("cloudEvents:id", out var found) && found == id);
        Assert.Equal("invalid: $ must be JSON, as the data of a CloudEvent in binary mode", letter.ExceptionMessage);
        Assert.Equal("results.Unknown.v9", letter.Envelope.Headers["cloudEvents:type"]);
        Assert.Equal("} ,", RabbitMqFixture.BodyOf(letter));
    }

    [Fact]
    public async Task Data_in_binary_mode_cannot_add_attributes()
    {
        var sent = TestData.Session().Events[0];
        var other = Guid.NewGuid();
        var headers = sent.Where(member => member.Key != "data").ToDictionary(member => "cloudEvents:" + member.Key, member => (object?)(string)member.Value!, StringComparer.Ordinal);
        await rabbit.One.PublishAsync($"{sent["data"]!.ToJsonString()},\"subject\":\"{other}\"", "application/json", headers);
        Assert.Equal("invalid: $ must be JSON, as the data of a CloudEvent in binary mode", (await rabbit.DeadLetterAsync(other.ToString())).ExceptionMessage);
    }

    [Fact]
    public async Task An_id_that_is_known_with_other_content_is_a_dead_letter_and_the_stored_event_stays()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await rabbit.One.PublishAsync(session);
        await AssertStoredAsync(session);
        var before = (await rabbit.Host.StoredAsync(session.Id))[1].Data.ToJsonString();

        session.But("data.answer.score", "2");
        await rabbit.One.PublishAsync(session.Events[1].ToJsonString(), Producer.Single);
        var letter = await rabbit.DeadLetterAsync((string)session.Events[1]["id"]!);
        Assert.Equal("conflict: [0].id is the id of another event, or of this one with other content; ids are for ever", letter.ExceptionMessage);
        Assert.Equal(before, (await rabbit.Host.StoredAsync(session.Id))[1].Data.ToJsonString());
    }

    [Fact]
    public async Task More_events_or_bytes_than_a_request_may_have_are_dead_letters()
    {
        var many = TestData.SessionOnly();
        for (var i = 0; i <= CloudEventReader.MaxEvents; i++)
            many.WithAnswer(Answers.Blank());
        await rabbit.One.PublishAsync(many);
        Assert.Equal("invalid: a message may have at most 1000 events, not 1001", (await rabbit.DeadLetterAsync(many.Id.ToString())).ExceptionMessage);

        // A message that is too large is never in memory as a whole, and is kept in parts, all of it.
        var large = new byte[(2 * AmqpCloudEvents.MaxMessageBytes) + 9];
        new Random(1).NextBytes(large);
        await rabbit.One.PublishAsync(large, Recorder.Batch);
        var parts = new List<byte[]>();
        for (var number = 1; number <= 3; number++)
        {
            var reason = $"invalid: $ must have at most 4194304 bytes, not {large.Length}; this is part {number} of 3";
            parts.Add((await rabbit.DeadLetterAsync(letter => letter.ExceptionMessage == reason)).Envelope.Data!);
        }

        Assert.True(large.AsSpan().SequenceEqual(parts.SelectMany(part => part).ToArray()), "The parts are not the message.");
        await rabbit.PassedAsync();
        Assert.Equal(0u, await rabbit.One.ReadyAsync());
        // Of 33 blank MiB each part has the same bytes.
        await rabbit.One.PublishAsync(Enumerable.Repeat((byte)' ', 3 * AmqpCloudEvents.MaxMessageBytes).ToArray(), Recorder.Batch);
        await rabbit.DeadLetterAsync(letter => letter.ExceptionMessage.EndsWith($"not {3 * AmqpCloudEvents.MaxMessageBytes}; this is part 3 of 3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Messages_in_hand_are_weighed_by_their_bytes()
    {
        const int bytes = 3 * 1024 * 1024;
        var listener = rabbit.Host.Services.GetRequiredService<QueueListener>();
        var sessions = Enumerable.Range(0, 8).Select(_ => TestData.Session()).ToList();
        await using var connection = new NpgsqlConnection(rabbit.Settings[AppFixture.ConnectionString]);
        await connection.OpenAsync(Cancelled);
        await using (var transaction = await connection.BeginTransactionAsync(Cancelled))
        {
            await using var command = new NpgsqlCommand("lock table results.mt_events in share mode", connection, transaction);
            await command.ExecuteNonQueryAsync(Cancelled);
            foreach (var session in sessions)
                await rabbit.One.PublishAsync(session.Json().PadRight(bytes), Recorder.Batch);

            // 24 MiB were sent, 20 messages may be taken, and 8 MiB: two of these.
            await Wait.UntilAsync(() => listener.HeldBytes == 2 * bytes);
            await Task.Delay(200, Cancelled);
            Assert.Equal(2 * bytes, listener.HeldBytes);
        }

        foreach (var session in sessions)
            await AssertStoredAsync(session);
        await Wait.UntilAsync(() => listener.HeldBytes == 0);
    }

    [Fact]
    public async Task What_is_too_much_for_a_session_is_a_dead_letter_and_what_was_stored_stays()
    {
        var session = TestData.Session();
        await rabbit.One.PublishAsync(session);
        await AssertStoredAsync(session);
        var more = TestData.SessionOnly(session.Id);
        for (var i = 0; i <= 300; i++)
            more.WithAnswer(Answers.Nps(i % 11));
        await rabbit.One.PublishAsync(more);

        var letter = await rabbit.DeadLetterAsync((string)more.Events[0]["id"]!);

        Assert.Equal("full: [300].subject is a session that is full: it may have at most 300 tasks", letter.ExceptionMessage);
        await AssertStoredAsync(session);
    }

    [Fact]
    public async Task The_same_invalid_message_again_is_one_dead_letter_and_another_with_its_message_id_is_another()
    {
        var (one, two) = ($"mark {Guid.NewGuid()}", $"mark {Guid.NewGuid()}");
        foreach (var body in new[] { one, one, two })
            await rabbit.One.PublishAsync(body, Producer.Single);
        await rabbit.PassedAsync();
        var letters = await rabbit.DeadLettersAsync();
        Assert.Single(letters, letter => RabbitMqFixture.BodyOf(letter) == one);
        Assert.Single(letters, letter => RabbitMqFixture.BodyOf(letter) == two);
    }

    [Fact]
    public async Task A_message_is_acknowledged_after_the_commit_and_no_more_are_taken_than_the_prefetch()
    {
        var sessions = Enumerable.Range(0, 30).Select(_ => TestData.Session()).ToList();
        await using var connection = new NpgsqlConnection(rabbit.Settings[AppFixture.ConnectionString]);
        await connection.OpenAsync(Cancelled);
        await using (var transaction = await connection.BeginTransactionAsync(Cancelled))
        {
            await using var command = new NpgsqlCommand("lock table results.mt_events in share mode", connection, transaction);
            await command.ExecuteNonQueryAsync(Cancelled);
            foreach (var session in sessions)
                await rabbit.One.PublishAsync(session);

            // 30 sent, 20 in the service's hands and none acknowledged: were any, the service would have been given another.
            await Wait.UntilAsync(async () => await rabbit.One.ReadyAsync() == 10);
            await Task.Delay(300, Cancelled);
            Assert.Equal(10u, await rabbit.One.ReadyAsync());
        }

        foreach (var session in sessions)
            await AssertStoredAsync(session);
        await Wait.UntilAsync(async () => await rabbit.One.ReadyAsync() == 0);
    }

    [Fact]
    public async Task The_queue_is_a_quorum_queue_that_drops_nothing_for_having_come_back()
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(rabbit.Settings["ConnectionStrings:rabbitmq"]!) }.CreateConnectionAsync(Cancelled);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancelled);
        var same = new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = 1_000_000_000 };
        // A broker takes a declaration of an existing queue only when it is the same.
        await channel.QueueDeclareAsync(RabbitMqOptions.Queue, durable: true, exclusive: false, autoDelete: false, same, cancellationToken: Cancelled);
        await Assert.ThrowsAsync<OperationInterruptedException>(() => channel.QueueDeclareAsync(
            RabbitMqOptions.Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>(StringComparer.Ordinal), cancellationToken: Cancelled));
    }

    private async Task AssertStoredAsync(SessionBuilder session)
    {
        await rabbit.StoredAsync(session.Id, session.Events.Count);
        var rows = await rabbit.Host.StoredAsync(session.Id);
        Assert.Equal(session.Events.Select(sent => Guid.Parse((string)sent["id"]!)).Order(), rows.Select(row => row.Id).Order());
        Assert.All(rows, row => Assert.Equal("/recorder/web/4.2.0", (string?)row.Headers["source"]));
        Assert.NotNull(await (await rabbit.ClientAsync()).ResultAsync(session.Id));
    }
}
