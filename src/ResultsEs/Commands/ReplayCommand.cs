using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using JasperFx.CommandLine;
using Npgsql;
using RabbitMQ.Client.Exceptions;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;
using Spectre.Console;

namespace ResultsEs.Commands;

/// <summary>Which session to replay, and how far.</summary>
public sealed class ReplayInput : NetCoreInput
{
    /// <summary>The session.</summary>
    [Description("The session's id")]
    public string? SessionFlag { get; set; }

    /// <summary>The account, where several have a session of that id.</summary>
    [Description("The account, where several have a session of that id")]
    public string? AccountFlag { get; set; }

    /// <summary>The last moment of storing.</summary>
    [Description("Only events that were stored by this moment (ISO 8601 with an offset)")]
    public string? AsOfFlag { get; set; }

    /// <summary>The last version.</summary>
    [Description("Only events up to this version of the stream")]
    public long? ToVersionFlag { get; set; }

    /// <summary>The position after which events are sent again.</summary>
    [Description("Send again the events after this position in the event store; 0 is before all")]
    public long? SinceFlag { get; set; }

    /// <summary>Where they are sent.</summary>
    [Description("Where to send them: a file, - or amqp://user:password@host/virtual-host?queue=NAME")]
    public string? ToFlag { get; set; }

    /// <summary>The last position that is sent.</summary>
    [Description("The last position to send")]
    public long? UntilFlag { get; set; }

    /// <summary>Whether to wait for a key.</summary>
    [Description("Wait for the Enter key after each event")]
    public bool StepFlag { get; set; }
}

/// <summary>
/// Shows how a session's result came to be: its events in the order in which they were stored, each with what it changed in what
/// readers see. Or sends stored events again, for systems downstream. It changes nothing; what it prints and sends holds personal data.
/// </summary>
[Description("Show how a session's result came to be, event by event; or send stored events again", Name = "replay")]
public sealed class ReplayCommand : JasperFxAsyncCommand<ReplayInput>
{
    // By the unique index of (tenant_id, stream_id, version).
    private const string EventsSql =
        """
        select e.version, e.id, e.type, e.data, e.headers ->> 'time', e.headers ->> 'source', e.timestamp
        from results.mt_events e
        where e.tenant_id = $1 and e.stream_id = $2 and e.version <= $3 and e.timestamp <= $4
        order by e.version
        """;

    /// <summary>The usage.</summary>
    public ReplayCommand() => Usage("Show how a session's result came to be, or send events again").Arguments().ValidFlags(
        input => input.SessionFlag!, input => input.AccountFlag!, input => input.AsOfFlag!, input => input.ToVersionFlag!, input => input.StepFlag, input => input.SinceFlag!, input => input.ToFlag!, input => input.UntilFlag!);

    /// <inheritdoc/>
    public override async Task<bool> Execute(ReplayInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if ((input.SinceFlag ?? input.UntilFlag) is not null || input.ToFlag is not null)
            return await SendAsync(input);
        if (!Uuid.TryParse(input.SessionFlag ?? "", out var session))
            return Fail("--session must be the UUID of a session.");
        if (input.AccountFlag is not null && !Uuid.TryParse(input.AccountFlag, out _))
            return Fail("--account must be a UUID.");
        var asOf = DateTimeOffset.MaxValue;
        if (input.AsOfFlag is not null && !TimestampConverter.TryParse(input.AsOfFlag, out asOf))
            return Fail($"--as-of {TimestampConverter.Problem}.");
        if (input.ToVersionFlag is < 1)
            return Fail("--to-version must be 1 or more.");

        using var host = await input.BuildHostWithTablesAsync();
        if (host is null)
            return false;

        var database = host.Services.GetRequiredService<NpgsqlDataSource>();
        var accounts = (await StreamLog.AccountsOfAsync(database, SessionResultTable.Documents, session, CancellationToken.None)).Where(account => input.AccountFlag is null || account == input.AccountFlag.ToLowerInvariant()).ToList();
        if (accounts is not [var account])
        {
            return Fail(accounts.Count == 0
                ? $"There is no session {session}{(input.AccountFlag is null ? "" : $" in account {input.AccountFlag}")}."
                : $"Several accounts have a session {session}; say which with --account: {string.Join(", ", accounts)}.");
        }

        var shown = await ReplayAsync(database, account, session, asOf, input.ToVersionFlag ?? long.MaxValue, input.StepFlag);
        if (shown == 0)
            Console.Out.WriteLine("No event of it was stored by then.");
        return true;
    }

    private static async Task<bool> SendAsync(ReplayInput input)
    {
        if (input.SinceFlag is not >= 0 || input.ToFlag is null)
            return Fail("Sending events again takes --since, a position from 0, and --to, a file, - or an address of a queue.");
        if (input.SessionFlag is not null || input.AsOfFlag is not null || input.ToVersionFlag is not null || input.StepFlag)
            return Fail("--since and --to go with --until and --account alone.");
        if (input.UntilFlag < input.SinceFlag)
            return Fail("--until must not be before --since.");
        if (input.AccountFlag is not null && !Uuid.TryParse(input.AccountFlag, out _))
            return Fail("--account must be a UUID.");

        using var host = await input.BuildHostWithTablesAsync();
        if (host is null)
            return false;

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };
        EventReplay? replay = null;
        try
        {
            await using IEventTarget target = input.ToFlag.StartsWith("amqp://", StringComparison.Ordinal) || input.ToFlag.StartsWith("amqps://", StringComparison.Ordinal)
                ? await EventQueueTarget.ConnectAsync(new Uri(input.ToFlag), stop.Token)
                : EventFileTarget.Open(input.ToFlag);
            replay = new EventReplay(host.Services.GetRequiredService<NpgsqlDataSource>(), target);
            await ProgressReport.RunAsync(Console.Out, async report =>
            {
                await replay.RunAsync(input.SinceFlag.Value, input.UntilFlag ?? long.MaxValue, input.AccountFlag?.ToLowerInvariant(), report, stop.Token);
                await target.CompleteAsync(stop.Token);
                return true;
            });
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{replay.Sent} events sent; go on with --since {replay.Through}"));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or RabbitMQClientException or OperationCanceledException)
        {
            return Fail(replay is null || !input.ToFlag.StartsWith("amqp", StringComparison.Ordinal)
                ? $"Nothing is complete: {Problem(e)}"
                : string.Create(CultureInfo.InvariantCulture, $"{Problem(e)} {replay.Sent} events were confirmed, and some after them may be there; go on with --since {replay.Through}"));
        }

        static string Problem(Exception e) => e switch
        {
            OperationCanceledException => "interrupted.",
            PublishException { IsReturn: true } => "No queue takes the messages.",
            _ => e.Message,
        };
    }

    private static async Task<int> ReplayAsync(NpgsqlDataSource database, string account, Guid session, DateTimeOffset asOf, long toVersion, bool step)
    {
        await using var command = database.CreateCommand(EventsSql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = toVersion });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = asOf.ToUniversalTime() });
        await using var reader = await command.ExecuteReaderAsync();

        SessionResult? document = null;
        var shown = 0;
        while (await reader.ReadAsync())
        {
            var (version, id, wireType) = (reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2));
            var time = reader.IsDBNull(4) ? reader.GetFieldValue<DateTimeOffset>(6) : DateTimeOffset.Parse(reader.GetString(4), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            Print(string.Create(CultureInfo.InvariantCulture, $"{version}  {wireType}  {Moment(time)}  stored {Moment(reader.GetFieldValue<DateTimeOffset>(6))}  {reader.GetValue(5)}  {id}"), "bold");
            if (EventCatalogue.Find(wireType) is not { } type)
            {
                Print("  this version does not know such events", "grey");
            }
            else if (Read(type, reader.GetFieldValue<byte[]>(3), out var problem) is { } data)
            {
                var after = SessionResultFold.Fold(session, document, [new RecordedEvent(new Stamp(time, id), data)]);
                PrintChanges(document, after);
                document = after;
            }
            else
            {
                Print($"  cannot be read: {problem}", "red");
            }

            shown++;
            if (step)
                Console.In.ReadLine();
        }

        return shown;
    }

    private static StreamEvent? Read(EventType type, byte[] json, out string? problem)
    {
        try
        {
            problem = null;
            return type.Read(json);
        }
        catch (JsonException e)
        {
            problem = e.Message;
            return null;
        }
    }

    private static void PrintChanges(SessionResult? before, SessionResult after)
    {
        var changes = JsonDifference.Of(Shown(before), Shown(after));
        if (changes.Count == 0)
            Print("  changes nothing that is shown", "grey");
        foreach (var change in changes)
            Print($"  {change}", change switch { { WasThere: false } => "green", { IsThere: false } => "red", _ => "yellow" });
    }

    private static JsonNode Shown(SessionResult? document) => document is null ? new JsonObject() : JsonSerializer.SerializeToNode(document.Body, Json.Of<SessionBody>())!;

    private static string Moment(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>Colours are for people: where the output goes elsewhere, lines stay whole and plain.</summary>
    private static void Print(string line, string style)
    {
        if (Console.IsOutputRedirected)
            Console.Out.WriteLine(line);
        else
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[{style}]{line}[/]");
    }

    private static bool Fail(string problem)
    {
        Console.Error.WriteLine(problem);
        return false;
    }
}
