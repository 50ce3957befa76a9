using System.Globalization;
using System.Text;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.TestResults;
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
public sealed class DeadLettersInput : NetCoreInput
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
public sealed class DeadLettersCommand : JasperFxAsyncCommand<DeadLettersInput>
{
    /// <summary>The usages.</summary>
    public DeadLettersCommand()
    {
        Usage("List dead letters").Arguments(input => input.Action).ValidFlags();
        Usage("Show, replay or discard").Arguments(input => input.Action, input => input.Id);
    }

    /// <inheritdoc/>
    public override async Task<bool> Execute(DeadLettersInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var host = await input.BuildHostWithTablesAsync();
        if (host is null)
            return false;

        var store = host.Services.GetRequiredService<IMessageStore>();
        var all = input.Action == DeadLettersAction.list || (input.Id == "all" && input.Action != DeadLettersAction.show);
        if (!all && !Guid.TryParse(input.Id, out _))
            return Fail($"'{input.Id}' is not the id of a dead letter; 'deadletters list' shows them.");

        List<Guid> ids = all ? await IdsAsync(host.Services.GetRequiredService<NpgsqlDataSource>()) : [Guid.Parse(input.Id)];
        if (all)
            Console.Out.WriteLine(FormattableString.Invariant($"{ids.Count} dead letters"));

        var succeeded = true;
        foreach (var id in ids)
        {
            if (await store.DeadLetters.DeadLetterEnvelopeByIdAsync(id) is not { } letter)
            {
                succeeded = Fail($"{id} is not a dead letter, or not any more.");
                continue;
            }

            succeeded &= input.Action switch
            {
                DeadLettersAction.list => List(letter),
                DeadLettersAction.show => await ShowAsync(letter, input.BodyFlag),
                DeadLettersAction.replay => await ReplayAsync(host.Services, store.DeadLetters, letter),
                _ => await DiscardAsync(store.DeadLetters, letter),
            };
        }

        return succeeded;
    }

    private static bool List(DeadLetterEnvelope letter)
    {
        Console.Out.WriteLine($"{letter.Id}  {Time(letter)}  account {letter.Envelope.TenantId}  {Shortened(letter.ExceptionMessage)}");
        return true;
    }

    private static async Task<bool> ShowAsync(DeadLetterEnvelope letter, string? file)
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
        {
            Console.Out.WriteLine(Encoding.UTF8.GetString(body));
            return true;
        }

        await File.WriteAllBytesAsync(file, body);
        Console.Out.WriteLine($"              written to {file}");
        return true;
    }

    private static async Task<bool> ReplayAsync(IServiceProvider services, IDeadLetters letters, DeadLetterEnvelope letter)
    {
        var settings = RabbitMqOptions.Read(services.GetRequiredService<IConfiguration>(), out var broker);
        var queue = new Uri(letter.ReceivedAt);
        // As it is configured now: that may be what was repaired.
        if (settings?.Accounts.Find(entry => RabbitMqOptions.AddressOf(entry.HostOr(broker)) == queue && Tenant.Of(entry.Account) == letter.Envelope.TenantId) is not { } binding)
        {
            return Fail($"{letter.Id} came from {letter.ReceivedAt} for account {letter.Envelope.TenantId}, and no entry of {RabbitMqOptions.Section}:Accounts "
                + "binds that virtual host to that account; run this with the service's own settings.");
        }

        var headers = letter.Envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key))
            .ToDictionary(header => header.Key, header => header.Value, StringComparer.Ordinal);
        var delivery = new SessionEventsDelivery(binding.Account, binding.Workspaces, queue, letter.Envelope.ContentType, headers, letter.Envelope.Data ?? []);
        if (await services.GetRequiredService<Deliveries>().TryRecordAsync(delivery) is { } refusal)
            return Fail($"{letter.Id} is refused again and stays: {refusal.Message}");

        // Stored for good: to end here is harmless, replaying it again would find duplicates.
        await letters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), CancellationToken.None);
        Console.Out.WriteLine($"{letter.Id} is stored.");
        return true;
    }

    private static async Task<bool> DiscardAsync(IDeadLetters letters, DeadLetterEnvelope letter)
    {
        await letters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), CancellationToken.None);
        Console.Out.WriteLine($"{letter.Id} is discarded.");
        return true;
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

    private static bool Fail(string message)
    {
        Console.Error.WriteLine(message);
        return false;
    }
}
