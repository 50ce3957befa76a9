using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using Spectre.Console;

namespace ResultsEs.Commands;

public class HistoryInput : DatabaseInput
{
    [Description("The session's id")]
    public string? SessionFlag { get; set; }

    [Description("The account, where several have a session of that id")]
    public string? AccountFlag { get; set; }

    [Description("Only events that were stored by this moment (ISO 8601 with an offset)")]
    public string? AsOfFlag { get; set; }

    [Description("Only events up to this version of the stream")]
    public long? ToVersionFlag { get; set; }

    [Description("Wait for the Enter key after each event")]
    public bool StepFlag { get; set; }
}

/// <summary>Prints a session's events as stored, each with its change of the visible result. The output holds personal data.</summary>
[Description("Show how a session's result came to be, event by event", Name = "history")]
public sealed class HistoryCommand : DatabaseCommand<HistoryInput>
{
    // By the unique index of (tenant_id, stream_id, version).
    private const string EventsSql =
        $"""
        select e.version, e.id, e.type, e.data, e.headers ->> 'time', e.headers ->> 'source', e.timestamp,
          e.headers ->> '{Sender.HeaderName}'
        from {StreamLog.Events} e
        where e.tenant_id = $1 and e.stream_id = $2 and e.version <= $3 and e.timestamp <= $4
        order by e.version
        """;

    public HistoryCommand() => Usage("Show how a session's result came to be").Arguments().ValidFlags(
        input => input.SessionFlag!, input => input.AccountFlag!, input => input.AsOfFlag!, input => input.ToVersionFlag!,
        input => input.StepFlag);

    private protected override string? ProblemOf(HistoryInput input) => Problem(input);

    private protected override async Task<ExitCode> RunAsync(HistoryInput input, IServiceProvider services) =>
        await ShowAsync(input, services.GetRequiredService<NpgsqlDataSource>()) is { } problem ? Fail(problem) : ExitCode.Success;

    private protected override string? SubjectOf(HistoryInput input) => input.SessionFlag?.ToLowerInvariant();

    internal static string? Problem(HistoryInput input)
    {
        if (!Uuid.TryParse(input.SessionFlag ?? "", out _))
            return "--session must be the UUID of a session.";
        if (ProblemOfId("--account", input.AccountFlag) is { } problem)
            return problem;
        if (input.AsOfFlag is not null && !TimestampConverter.TryParse(input.AsOfFlag, out _))
            return $"--as-of {TimestampConverter.Problem}.";
        return input.ToVersionFlag is < 1 ? "--to-version must be 1 or more." : null;
    }

    /// <summary>Prints the history, or returns the reason why there is none.</summary>
    internal static async Task<string?> ShowAsync(HistoryInput input, NpgsqlDataSource database)
    {
        var session = Guid.Parse(input.SessionFlag!);
        var accounts = (await StreamLog.AccountsOfAsync(database, SessionResultTable.Documents, session, CancellationToken.None)).ToList();
        if (input.AccountFlag?.ToLowerInvariant() is { } only)
            accounts.RemoveAll(account => account != only);
        if (accounts is not [var account])
            return accounts.Count == 0
                ? $"There is no session {session}{(input.AccountFlag is null ? "" : $" in account {input.AccountFlag}")}."
                : $"Several accounts have a session {session}; say which with --account: {string.Join(", ", accounts)}.";

        if (await PrintEventsAsync(database, account, session, input) == 0)
            Say("No event of it was stored by then.");
        return null;
    }

    private static async Task<int> PrintEventsAsync(NpgsqlDataSource database, string account, Guid session, HistoryInput input)
    {
        var asOf = TimestampConverter.TryParse(input.AsOfFlag ?? "", out var moment) ? moment : DateTimeOffset.MaxValue;
        await using var command = database.CreateCommand(EventsSql);
        command.Parameters.AddAll(account, session, input.ToVersionFlag ?? long.MaxValue, asOf.ToUniversalTime());
        await using var reader = await command.ExecuteReaderAsync();

        SessionResult? document = null;
        var events = new List<RecordedEvent>();
        var printed = 0;
        while (await reader.ReadAsync())
        {
            var (version, id, wireType) = (reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2));
            var stored = reader.GetFieldValue<DateTimeOffset>(6);
            var time = reader.IsDBNull(4)
                ? stored
                : DateTimeOffset.Parse(reader.GetString(4), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            var (happened, kept) = (MillisecondsUtcConverter.Text(time), MillisecondsUtcConverter.Text(stored));
            var sender = new Sender(reader.IsDBNull(7) ? null : reader.GetString(7));
            var from = sender.Client is { } client ? $"  from {client}" : "";
            Print($"{version}  {wireType}  {happened}  stored {kept}  {reader.GetValue(5)}{from}  {id}", "bold");
            if (EventCatalogue.Find(wireType) is not { } type)
            {
                Print("  this version does not know such events", "grey");
            }
            else if (Read(type, reader.GetFieldValue<byte[]>(3)) is { } data)
            {
                events.Add(new RecordedEvent(EventOrder.Of(time, id, stored), data, sender));
                var after = SessionResultTable.Documents.NeedsAll(document, [events[^1]])
                    ? (SessionResult)SessionResultTable.Documents.FoldAll(session, events)[0].Document
                    : (SessionResult)SessionResultTable.Documents.Fold(session, document, [events[^1]]);
                PrintChanges(document, after);
                document = after;
            }

            printed++;
            if (input.StepFlag)
                Console.In.ReadLine();
        }

        return printed;
    }

    private static StreamEvent? Read(EventType type, byte[] json)
    {
        try
        {
            return type.Read(json);
        }
        catch (JsonException e)
        {
            Print($"  cannot be read: {e.Message}", "red");
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

    private static JsonNode Shown(SessionResult? document) =>
        document is null ? new JsonObject() : JsonSerializer.SerializeToNode(document.Body, Json.Of<SessionBody>())!;

    // Colours are for a terminal; redirected output is plain, and its lines are not broken.
    private static void Print(string text, string style)
    {
        var line = Printable.Line(text);
        if (Console.IsOutputRedirected)
            Console.Out.WriteLine(line);
        else
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[{style}]{line}[/]");
    }
}
