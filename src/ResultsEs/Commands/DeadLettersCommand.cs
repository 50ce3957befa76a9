using System.Globalization;
using System.Text;
using JasperFx.CommandLine;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;

namespace ResultsEs.Commands;

/// <summary>What to do with dead letters.</summary>
public enum DeadLettersAction
{
    /// <summary>One line each, the oldest first.</summary>
    list,

    /// <summary>One of them, whole.</summary>
    show,

    /// <summary>Record the events now; what is stored then is no dead letter any more.</summary>
    replay,

    /// <summary>Delete for good.</summary>
    discard,
}

/// <summary>Which dead letters.</summary>
public sealed class DeadLettersInput : DatabaseInput
{
    /// <summary>What to do.</summary>
    [Description("list, show, replay or discard")]
    public DeadLettersAction Action { get; set; }

    /// <summary>One id, or <c>all</c>.</summary>
    [Description("The id of a dead letter, or 'all' (replay and discard)")]
    public string Id { get; set; } = "";

    /// <summary>A file for the original bytes.</summary>
    [Description("With show: the file to write the message's original bytes to")]
    public string? BodyFlag { get; set; }
}

/// <summary>
/// Lists, shows, replays and discards messages of the queue whose events could not be stored. It works on the database alone:
/// neither the service nor the broker has to run, and both may.
/// </summary>
[Description("List, show, replay or discard messages of the queue that could not be stored", Name = "deadletters")]
public sealed class DeadLettersCommand : DatabaseCommand<DeadLettersInput>
{
    /// <summary>The usages.</summary>
    public DeadLettersCommand()
    {
        Usage("List dead letters").Arguments(input => input.Action).ValidFlags();
        Usage("Show, replay or discard").Arguments(input => input.Action, input => input.Id);
    }

    /// <inheritdoc/>
    protected override string? ProblemOf(DeadLettersInput input) =>
        IsOfAll(input) || Guid.TryParse(input.Id, out _)
            ? null
            : $"'{input.Id}' is not the id of a dead letter; 'deadletters list' shows them.";

    /// <inheritdoc/>
    protected override async Task<ExitCode> RunAsync(DeadLettersInput input, IServiceProvider services)
    {
        var letters = services.GetRequiredService<IMessageStore>().DeadLetters;
        List<Guid> ids = IsOfAll(input) ? await IdsAsync(services.GetRequiredService<NpgsqlDataSource>()) : [Guid.Parse(input.Id)];
        if (IsOfAll(input))
            Say(FormattableString.Invariant($"{ids.Count} dead letters"));

        var end = ExitCode.Success;
        foreach (var id in ids)
        {
            var one = await letters.DeadLetterEnvelopeByIdAsync(id) is not { } letter
                ? Fail($"{id} is not a dead letter, or not any more.")
                : input.Action switch
                {
                    DeadLettersAction.list => List(letter),
                    DeadLettersAction.show => await ShowAsync(letter, input.BodyFlag),
                    DeadLettersAction.replay => await ReplayAsync(services, letters, letter),
                    _ => await DiscardAsync(letters, letter),
                };
            if (one != ExitCode.Success)
                end = one;
        }

        return end;
    }

    private static bool IsOfAll(DeadLettersInput input) =>
        input.Action == DeadLettersAction.list || (input.Id == "all" && input.Action != DeadLettersAction.show);

    private static ExitCode List(DeadLetterEnvelope letter) =>
        Say($"{letter.Id}  {Time(letter)}  account {letter.Envelope.TenantId}  {Shortened(letter.ExceptionMessage)}");

    private static async Task<ExitCode> ShowAsync(DeadLetterEnvelope letter, string? file)
    {
        var body = letter.Envelope.Data ?? [];
        Console.Out.WriteLine($"id            {letter.Id}");
        Console.Out.WriteLine($"since         {Time(letter)}");
        Console.Out.WriteLine($"account       {letter.Envelope.TenantId}");
        Console.Out.WriteLine($"received at   {letter.ReceivedAt}");
        Console.Out.WriteLine($"reason        {letter.ExceptionMessage}");
        Console.Out.WriteLine($"content type  {letter.Envelope.ContentType}");
        foreach (var (name, value) in letter.Envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key)))
            Console.Out.WriteLine($"header        {name} = {value}");
        Console.Out.WriteLine(FormattableString.Invariant($"body          {body.Length} bytes"));
        if (file is null)
            return Say(Encoding.UTF8.GetString(body));

        await File.WriteAllBytesAsync(file, body);
        return Say($"              written to {file}");
    }

    private async Task<ExitCode> ReplayAsync(IServiceProvider services, IDeadLetters letters, DeadLetterEnvelope letter)
    {
        var settings = services.GetRequiredService<IOptions<RabbitMqOptions>>().Value;
        var queue = new Uri(letter.ReceivedAt);
        // As it is configured now: that may be what was repaired.
        if (settings.Accounts.Find(IsOfLetter) is not { } binding)
        {
            return Fail($"{letter.Id} came from {letter.ReceivedAt} for account {letter.Envelope.TenantId}, and no entry of "
                + $"{RabbitMqOptions.Section}:Accounts binds that virtual host to that account; run this with the service's own settings.");
        }

        var headers = letter.Envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key))
            .ToDictionary(header => header.Key, header => header.Value, StringComparer.Ordinal);
        var delivery = new SessionEventsDelivery(binding.Account, binding.Workspaces, queue, letter.Envelope.ContentType, headers, letter.Envelope.Data ?? []);
        if (await services.GetRequiredService<Deliveries>().TryRecordAsync(delivery, services.Recorder()) is { } refusal)
            return Fail($"{letter.Id} is refused again and stays: {refusal.Message}");

        // Stored for good: to end here is harmless, replaying it again would find duplicates.
        await letters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), CancellationToken.None);
        return Say($"{letter.Id} is stored.");

        bool IsOfLetter(AccountBinding entry) => settings.Broker is { } broker
            && RabbitMqOptions.AddressOf(entry.HostOr(broker)) == queue && Tenant.Of(entry.Account) == letter.Envelope.TenantId;
    }

    private static async Task<ExitCode> DiscardAsync(IDeadLetters letters, DeadLetterEnvelope letter)
    {
        await letters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), CancellationToken.None);
        return Say($"{letter.Id} is discarded.");
    }

    /// <summary>All ids, the oldest first. Not by Wolverine's pages: their order is not defined.</summary>
    private static async Task<List<Guid>> IdsAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            $"select id from {MartenSetup.Schema}.wolverine_dead_letters where message_type = $1 order by failed_at, id");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = SessionEventsDelivery.Name });
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<Guid>();
        while (await reader.ReadAsync())
            ids.Add(reader.GetGuid(0));
        return ids;
    }

    private static string Time(DeadLetterEnvelope letter) =>
        (letter.FailedAt ?? letter.SentAt).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static string Shortened(string reason) => reason.Length <= 160 ? reason : reason[..160] + "…";
}
