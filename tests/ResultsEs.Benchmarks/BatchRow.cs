using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Benchmarks;

/// <summary>
/// W2: batches of 100 events, four whole sessions each, over HTTP and from a queue, against COPY of the same events as rows. The service makes documents of them, and what is acknowledged is
/// stored and in them when a round counts.
/// </summary>
internal static class BatchRow
{
    public const string Name = "W2";

    private const int SessionsPerBatch = 4;
    private const int EventsPerBatch = SessionsPerBatch * Sessions.EventsPerSession;
    private const int Connections = 16;
    private const int Messages = 600;
    private const int Looked = 5;

    // More than are sent in a round, so that whoever is measured does not share the processor with whoever writes JSON; COPY's rows are made beforehand as well.
    private const int Prepared = 3_000;

    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Counted = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("w2", cancellation);
        await using var broker = Broker.Programs is { } programs ? await Broker.StartAsync(programs, cancellation) : null;
        var queue = broker is null ? "" : await postgres.CreateDatabaseAsync("w2_queue", cancellation);
        if (broker is null)
            Console.Error.WriteLine("W2/RabbitMQ is left out: there is no RabbitMQ on this machine.");

        await using var service = await Service.StartAsync(database, cancellation);
        using var http = await service.ConnectAsync(Connections, await service.TokenAsync(cancellation), cancellation);
        var (floor, overHttp, overQueue, copyPeak, queuePeak) = (new List<double>(), new List<double>(), new List<double>(), 0L, 0L);
        var (sessions, begun, bodies) = (0, 0, Array.Empty<byte[]>());
        var rounds = options.RoundsOf();
        for (var round = 0; round < rounds; round++)
        {
            var copied = await Service.RunOtherAsync(CopyFloor.Argument, Name, database, cancellation);
            if (await Postgres.AskAsync<long>(database, $"select count(*) from {CopyFloor.Table}", cancellation) != (long)CopyFloor.Rows * (round + 1))
                throw new InvalidOperationException("COPY has not stored all rows.");
            floor.Add(CopyFloor.Rows / double.Parse(copied.Output, CultureInfo.InvariantCulture));
            copyPeak = Math.Max(copyPeak, copied.PeakBytes);

            begun = sessions;
            bodies = [.. Enumerable.Range(0, Prepared).AsParallel().AsOrdered().Select(i => Sessions.Batch(begun + (i * SessionsPerBatch), SessionsPerBatch))];
            overHttp.Add(await Load.RateAsync(Connections, round == 0 ? FirstWarmUp : WarmUp, Counted, PostAsync, cancellation));
            await IsStoredAsync("The service", database, sessions, cancellation);
            if (broker is not null)
            {
                var (rate, peak) = await TakeAsync(broker, queue, round * Messages * SessionsPerBatch, cancellation);
                overQueue.Add(rate);
                queuePeak = Math.Max(queuePeak, peak);
                await IsStoredAsync("The service, from the queue,", queue, (round + 1) * Messages * SessionsPerBatch, cancellation);
            }

            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"W2, round {round + 1} of {rounds}: COPY {floor[^1]:F0}, HTTP {overHttp[^1]:F0}{(broker is null ? "" : string.Create(CultureInfo.InvariantCulture, $", RabbitMQ {overQueue[^1]:F0}"))}"));
        }

        var copy = new Contestant("binary COPY of the rows, no documents", floor, copyPeak);
        var http16 = new ResultRow(
            Name, $"batches of {EventsPerBatch} events, {Connections} connections", "events/s", new Goal(AtLeast: 0.5, AtMost: null), [copy, new Contestant("the service", overHttp, service.PeakBytes)]);
        return broker is null
            ? [http16]
            : [http16, new ResultRow($"{Name}/RabbitMQ", $"batches of {EventsPerBatch} events from a queue, from the first of a new process on", "events/s", Goal: null, [copy, new Contestant("the service", overQueue, queuePeak)])];

        async Task<int> PostAsync(int connection, int n)
        {
            var first = Interlocked.Add(ref sessions, SessionsPerBatch) - SessionsPerBatch;
            var i = (first - begun) / SessionsPerBatch;
            await Sending.AcceptedAsync(http, "The service", i < bodies.Length ? bodies[i] : Sessions.Batch(first, SessionsPerBatch), Sending.Batch, EventsPerBatch, cancellation);
            return EventsPerBatch;
        }
    }

    /// <summary>Puts messages into the queue, starts the service on it, and measures from the first event that is stored to the last.</summary>
    private static async Task<(double Rate, long PeakBytes)> TakeAsync(Broker broker, string database, int firstSession, CancellationToken cancellation)
    {
        await PublishAsync(broker, firstSession, cancellation);
        var before = await LastAsync();
        var events = (long)firstSession / SessionsPerBatch * EventsPerBatch;
        var all = events + (Messages * EventsPerBatch);
        await using var service = await Service.StartAsync(
            database,
            cancellation,
            ("ConnectionStrings__rabbitmq", broker.Address.ToString()),
            ("RabbitMq__Accounts__0__VirtualHost", "/"),
            ("RabbitMq__Accounts__0__Account", Service.Account),
            ("RabbitMq__Accounts__0__Workspaces__0", Service.Workspace));
        var patience = Stopwatch.StartNew();
        while (await LastAsync() == before)
            await PauseAsync();
        var already = await CountAsync();
        var watch = Stopwatch.StartNew();
        // The last position is cheap to ask for; all are counted when it is there.
        while (await LastAsync() < before + (Messages * EventsPerBatch) || await CountAsync() < all)
            await PauseAsync();
        var took = watch.Elapsed;
        // It counts totals after it has stored, and nobody would when it is gone.
        await Fill.CountedAsync(database, cancellation);
        return ((all - already) / took.TotalSeconds, service.PeakBytes);

        Task<long> LastAsync() => Postgres.AskAsync<long>(database, "select coalesce(max(seq_id), 0) from results.mt_events", cancellation);

        Task<long> CountAsync() => Postgres.AskAsync<long>(database, "select count(*) from results.mt_events where type <> 'tombstone'", cancellation);

        async Task PauseAsync()
        {
            if (patience.Elapsed > Patience)
                throw new InvalidOperationException($"The service has taken {await CountAsync() - events} events of the queue's {Messages * EventsPerBatch}.");
            await Task.Delay(5, cancellation);
        }
    }

    private static async Task PublishAsync(Broker broker, int firstSession, CancellationToken cancellation)
    {
        await using var connection = await new ConnectionFactory { Uri = broker.Address }.CreateConnectionAsync(cancellation);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);
        await QueueListener.DeclareAsync(channel, cancellation);
        for (var i = 0; i < Messages; i++)
        {
            await channel.BasicPublishAsync(
                exchange: "",
                RabbitMqOptions.Queue,
                mandatory: true,
                new BasicProperties { ContentType = Sending.Batch, Persistent = true },
                Sessions.Batch(firstSession + (i * SessionsPerBatch), SessionsPerBatch),
                cancellation);
        }
    }

    private static async Task IsStoredAsync(string who, string database, int sessions, CancellationToken cancellation)
    {
        await Fill.CountedAsync(database, cancellation);
        var events = await Postgres.AskAsync<long>(database, "select count(*) from results.mt_events where type <> 'tombstone'", cancellation);
        var full = await Postgres.AskAsync<long>(
            database, $"select count(*) from {SessionSender.ServedDocuments} where jsonb_array_length(data -> 'body' -> 'tasks') = {Sessions.TasksPerSession}", cancellation);
        if (events != (long)sessions * Sessions.EventsPerSession || full != sessions)
            throw new InvalidOperationException($"{who} has stored {events} events and {full} whole documents of {sessions} sessions.");
        for (var session = Math.Max(0, sessions - Looked); session < sessions; session++)
            await SessionSender.HasBodyAsync(who, database, SessionSender.ServedDocuments, session, cancellation);
    }
}
