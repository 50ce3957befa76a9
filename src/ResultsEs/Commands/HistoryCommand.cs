using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using Spectre.Console;

namespace ResultsEs.Commands;

/// <summary>Which session's history to show, and how far.</summary>
public class HistoryInput : DatabaseInput
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

    /// <summary>Whether to wait for a key.</summary>
    [Description("Wait for the Enter key after each event")]
    public bool StepFlag { get; set; }
}

/// <summary>
/// Shows how a session's result came to be: its events in the order in which they were stored, each with what it changed in what
/// readers see. It changes nothing; what it prints holds personal data.
/// </summary>
[Description("Show how a session's result came to be, event by event", Name = "history")]
public sealed class HistoryCommand : DatabaseCommand<HistoryInput>
{
    // By the unique index of (tenant_id, stream_id, version).
    private const string EventsSql =
        $"""
        select e.version, e.id, e.type, e.data, e.headers ->> 'time', e.headers ->> 'source', e.timestamp
        from {StreamLog.Events} e
        where e.tenant_id = $1 and e.stream_id = $2 and e.version <= $3 and e.timestamp <= $4
        order by e.version
        """;

    /// <summary>The usage.</summary>
    public HistoryCommand() => Usage("Show how a session's result came to be").Arguments().ValidFlags(
        input => input.SessionFlag!, input => input.AccountFlag!, input => input.AsOfFlag!, input => input.ToVersionFlag!,
        input => input.StepFlag);

    /// <inheritdoc/>
    protected override string? ProblemOf(HistoryInput input) => Problem(input);

    /// <inheritdoc/>
    protected override async Task<ExitCode> RunAsync(HistoryInput input, IServiceProvider services) =>
        await ShowAsync(input, services.GetRequiredService<NpgsqlDataSource>()) is { } problem ? Fail(problem) : ExitCode.Success;

    /// <summary>What is wrong with the arguments; null when nothing is.</summary>
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

    /// <summary>Prints the history.</summary>
    /// <returns>Why there is none to print; null when there is.</returns>
    internal static async Task<string?> ShowAsync(HistoryInput input, NpgsqlDataSource database)
    {
        var session = Guid.Parse(input.SessionFlag!);
        var asOf = TimestampConverter.TryParse(input.AsOfFlag ?? "", out var moment) ? moment : DateTimeOffset.MaxValue;
        var accounts = (await StreamLog.AccountsOfAsync(database, SessionResultTable.Documents, session, CancellationToken.None)).ToList();
        if (input.AccountFlag?.ToLowerInvariant() is { } only)
            accounts.RemoveAll(account => account != only);
        if (accounts is not [var account])
        {
            return accounts.Count == 0
                ? $"There is no session {session}{(input.AccountFlag is null ? "" : $" in account {input.AccountFlag}")}."
                : $"Several accounts have a session {session}; say which with --account: {string.Join(", ", accounts)}.";
        }

        if (await ShowAsync(database, account, session, asOf, input.ToVersionFlag ?? long.MaxValue, input.StepFlag) == 0)
            Say("No event of it was stored by then.");
        return null;
    }

    private static async Task<int> ShowAsync(
        NpgsqlDataSource database, string account, Guid session, DateTimeOffset asOf, long toVersion, bool step)
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
            var stored = reader.GetFieldValue<DateTimeOffset>(6);
            var time = reader.IsDBNull(4)
                ? stored
                : DateTimeOffset.Parse(reader.GetString(4), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            Print(string.Create(
                CultureInfo.InvariantCulture, $"{version}  {wireType}  {Moment(time)}  stored {Moment(stored)}  {reader.GetValue(5)}  {id}"), "bold");
            if (EventCatalogue.Find(wireType) is not { } type)
            {
                Print("  this version does not know such events", "grey");
            }
            else if (Read(type, reader.GetFieldValue<byte[]>(3), out var problem) is { } data)
            {
                var after = SessionResultFold.Fold(session, document, [new RecordedEvent(new EventOrder(time, id), data)]);
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

    private static JsonNode Shown(SessionResult? document) =>
        document is null ? new JsonObject() : JsonSerializer.SerializeToNode(document.Body, Json.Of<SessionBody>())!;

    private static string Moment(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>Colours are for people: where the output goes elsewhere, lines stay whole and plain.</summary>
    private static void Print(string line, string style)
    {
        if (Console.IsOutputRedirected)
            Console.Out.WriteLine(line);
        else
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[{style}]{line}[/]");
    }
}
