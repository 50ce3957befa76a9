using System.Globalization;
using System.Text.Json;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Commands;

/// <summary>
/// Sends stored events again, for systems downstream: as CloudEvents in the words in which they came, in the order of their positions in the event store. Nothing is passed over: it
/// ends before the first position below which an event may still appear.
/// </summary>
internal sealed class EventReplay(NpgsqlDataSource database, IEventTarget target)
{
    private const int EventsPerPage = 1_000;

    // By the primary key (seq_id). Lost races leave tombstones in place of the numbers they had drawn.
    private const string Sql =
        """
        select e.seq_id, e.tenant_id, e.stream_id, e.id, e.type, e.data, e.headers ->> 'time', e.headers ->> 'source', e.headers ->> 'traceparent', e.timestamp
        from results.mt_events e
        where e.seq_id > $1 and e.seq_id <= $2 and e.type <> 'tombstone' and ($3::varchar is null or e.tenant_id = $3)
        order by e.seq_id
        limit $4
        """;

    /// <summary>How many events were sent.</summary>
    public long Sent { get; private set; }

    /// <summary>The position through which everything is sent: where to go on.</summary>
    public long Through { get; private set; }

    /// <summary>Sends the events after a position.</summary>
    /// <param name="since">The position; 0 is before all.</param>
    /// <param name="until">The last position, or the one that is there now when that is less.</param>
    /// <param name="account">Only this account's.</param>
    /// <param name="report">Told how it goes.</param>
    /// <param name="cancellation">Ends it between events.</param>
    public async Task RunAsync(long since, long until, string? account, ProgressReport report, CancellationToken cancellation)
    {
        Through = since;
        report.Phase("waiting for writers");
        var now = await EventPosition.NowAsync(database, cancellation);
        await now.SettleAsync(database, cancellation);
        var end = Math.Min(until, now.Sequence);
        report.Phase("sending");
        while (Through < end)
        {
            var page = await ReadAsync(Through, end, account, cancellation);
            await target.SendAsync(page, cancellation);
            Sent += page.Count;
            Through = page.Count < EventsPerPage ? end : page[^1].Position;
            report.Done(Through - since, end - since, "positions");
        }
    }

    private async Task<IReadOnlyList<StoredCloudEvent>> ReadAsync(long after, long until, string? account, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = until });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = EventsPerPage });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var page = new List<StoredCloudEvent>();
        while (await reader.ReadAsync(cancellation))
            page.Add(new StoredCloudEvent(reader.GetInt64(0), reader.GetGuid(3), Write(reader)));
        return page;
    }

    private static byte[] Write(NpgsqlDataReader reader)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = Json.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("specversion", "1.0");
            json.WriteString("id", reader.GetGuid(3));
            json.WriteString("source", reader.GetString(7));
            json.WriteString("type", reader.GetString(4));
            json.WriteString("subject", reader.GetGuid(2));
            json.WriteString("time", reader.GetString(6));
            json.WriteString("datacontenttype", "application/json");
            if (!reader.IsDBNull(8))
                json.WriteString("traceparent", reader.GetString(8));
            // CloudEvents' own extensions: https://github.com/cloudevents/spec/tree/main/cloudevents/extensions
            json.WriteString("sequence", reader.GetInt64(0).ToString(CultureInfo.InvariantCulture));
            json.WriteString("recordedtime", reader.GetDateTime(9).ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("accountid", reader.GetString(1));
            json.WritePropertyName("data");
            json.WriteRawValue(reader.GetFieldValue<byte[]>(5));
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }
}

/// <summary>A stored event as a CloudEvent.</summary>
/// <param name="Position">Its position in the event store.</param>
/// <param name="Id">Its id.</param>
/// <param name="Json">The structured CloudEvent, UTF-8, without line breaks.</param>
internal sealed record StoredCloudEvent(long Position, Guid Id, byte[] Json);

/// <summary>Where stored events are sent.</summary>
internal interface IEventTarget : IAsyncDisposable
{
    /// <summary>Sends events; when it returns they are there.</summary>
    Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation);

    /// <summary>Says that there are no more.</summary>
    Task CompleteAsync(CancellationToken cancellation);
}

/// <summary>A file, an event a line; it has its name only when all are in it. Or the standard output.</summary>
internal sealed class EventFileTarget(Stream stream, string? part, string? file) : IEventTarget
{
    /// <summary>What stands for the standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>Opens the file that is to become <paramref name="file"/>, or for <c>-</c> the standard output.</summary>
    /// <exception cref="IOException">There is such a file, or none can be made there.</exception>
    public static EventFileTarget Open(string file)
    {
        if (file == StandardOutput)
            return new EventFileTarget(Console.OpenStandardOutput(), part: null, file: null);
        if (File.Exists(file))
            throw new IOException($"{file} is there already.");

        var part = file + ".part";
        return new EventFileTarget(new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16), part, file);
    }

    /// <inheritdoc/>
    public async Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation)
    {
        foreach (var e in events)
        {
            await stream.WriteAsync(e.Json, cancellation);
            await stream.WriteAsync("\n"u8.ToArray(), cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        await stream.FlushAsync(cancellation);
        if (part is null || file is null)
            return;

        ((FileStream)stream).Flush(flushToDisk: true);
        await stream.DisposeAsync();
        File.Move(part, file);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => stream.DisposeAsync();
}

/// <summary>A RabbitMQ exchange or queue: a message an event, persistent, each confirmed by the broker. A message that no queue takes is an error.</summary>
internal sealed class EventQueueTarget(IConnection connection, IChannel channel, string exchange, string routingKey) : IEventTarget
{
    /// <summary>How an address spells where to send, after the virtual host.</summary>
    public const string Form = "amqp://user:password@host/virtual-host?queue=NAME, or ?exchange=NAME&routing-key=KEY";

    /// <summary>Connects to the broker of <paramref name="address"/>.</summary>
    /// <exception cref="FormatException">It does not say where to send.</exception>
    /// <exception cref="BrokerUnreachableException">The broker does not answer.</exception>
    public static async Task<EventQueueTarget> ConnectAsync(Uri address, CancellationToken cancellation)
    {
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query);
        var (queue, exchange) = ((string?)query.GetValueOrDefault("queue"), (string?)query.GetValueOrDefault("exchange"));
        if (string.IsNullOrEmpty(queue) == string.IsNullOrEmpty(exchange))
            throw new FormatException($"An address of a queue has the form {Form}.");

        var factory = new ConnectionFactory { Uri = new UriBuilder(address) { Query = "" }.Uri, ClientProvidedName = "results-es replay" };
        var connection = await factory.CreateConnectionAsync(cancellation);
        try
        {
            var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);
            return new EventQueueTarget(connection, channel, exchange ?? "", queue ?? (string?)query.GetValueOrDefault("routing-key") ?? "");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation)
    {
        var confirmations = new List<Task>(events.Count);
        foreach (var e in events)
        {
            var properties = new BasicProperties { ContentType = "application/cloudevents+json", DeliveryMode = DeliveryModes.Persistent, MessageId = e.Id.ToString() };
            confirmations.Add(channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, e.Json, cancellation).AsTask());
        }

        await Task.WhenAll(confirmations);
    }

    /// <inheritdoc/>
    public Task CompleteAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}
