using ResultsEs.EventStore;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Dead letters: recording them again, and finding those of an account. Needs the database alone, not the broker.</summary>
public sealed class DeadLetters
{
    // Letters that one request looks through; most are an account's own.
    private const int MaxLooked = 500;

    private const string Table = $"{MartenSetup.Schema}.wolverine_dead_letters";

    private readonly NpgsqlDataSource _database;
    private readonly IMessageStore _messages;
    private readonly GroupCommit _commit;
    private readonly Deliveries _deliveries;
    private readonly RabbitMqOptions _settings;

    internal DeadLetters(
        NpgsqlDataSource database, IMessageStore messages, GroupCommit commit, Deliveries deliveries, RabbitMqOptions settings) =>
        (_database, _messages, _commit, _deliveries, _settings) = (database, messages, commit, deliveries, settings);

    /// <summary>
    /// Records the events of a letter again, by the settings of now; the letter stays. Returns why it could not, or null.
    /// </summary>
    internal async Task<string?> ReplayAsync(DeadLetterEnvelope letter)
    {
        var queue = new Uri(letter.ReceivedAt);
        // Account and workspaces come from the current settings, because these may be what was repaired.
        if (_settings.Accounts.Find(IsOfLetter) is not { } binding)
            return $"{letter.Id} came from {letter.ReceivedAt} for account {letter.Envelope.TenantId}, and no entry of "
                + $"{RabbitMqOptions.Section}:Accounts binds that virtual host to that account; "
                + "run this with the service's own settings.";

        var delivery = new SessionEventsDelivery(
            binding.Account, binding.Workspaces, binding.SenderOn(binding.HostOr(_settings.Broker!)), queue,
            letter.Envelope.ContentType, AttributesOf(letter), letter.Envelope.Data ?? []);
        try
        {
            return await _deliveries.TryRecordAsync(delivery, command => RecordEventsHandler.Handle(command, _commit)) is { } refusal
                ? $"{letter.Id} is refused again and stays: {refusal.Message}"
                : null;
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            // The others are replayed all the same.
            return $"{letter.Id} fails and stays: {Printable.Excerpt($"{e.GetType().Name}: {e.Message}", 160)}";
        }

        bool IsOfLetter(AccountBinding entry) => _settings.Broker is { } broker
            && RabbitMqOptions.AddressOf(entry.HostOr(broker)) == queue && Tenant.Of(entry.Account) == letter.Envelope.TenantId;
    }

    /// <summary>Deletes a letter for good.</summary>
    internal Task DiscardAsync(Guid id, CancellationToken cancellation) =>
        _messages.DeadLetters.DiscardAsync(new DeadLetterEnvelopeQuery([id]), cancellation);

    /// <summary>Reads a letter of an account; null when it is no letter, or another's.</summary>
    internal async Task<DeadLetterEnvelope?> FindAsync(string account, Guid id) =>
        await _messages.DeadLetters.DeadLetterEnvelopeByIdAsync(id) is { } letter
        && letter.Envelope.TenantId == account && letter.Envelope.MessageType == SessionEventsDelivery.Name
            ? letter
            : null;

    /// <summary>
    /// Reads the letters of an account after a place, the oldest first, and the place to go on from; null when all were looked at.
    /// </summary>
    internal async Task<(IReadOnlyList<DeadLetterEnvelope> Letters, LetterPlace? Next)> ListAsync(
        string account, LetterPlace after, int limit, CancellationToken cancellation)
    {
        // The table has no account: it stands in the message. Where its text is, the message is read.
        var looked = await _database.CreateCommand(
            $"""
            select d.at, d.id, position($4::bytea in d.body) > 0
            from (
              select coalesce(l.failed_at, l.sent_at, 'epoch') as at, l.id, l.body from {Table} l where l.message_type = $1
            ) d
            where (d.at, d.id) > ($2, $3)
            order by d.at, d.id
            limit {MaxLooked}
            """).ReadAllAsync(
            [SessionEventsDelivery.Name, after.At, after.Id, Encoding.UTF8.GetBytes(account)],
            reader => (Place: new LetterPlace(reader.GetDateTime(0), reader.GetGuid(1)), MayBeTheirs: reader.GetBoolean(2)), cancellation);
        var letters = new List<DeadLetterEnvelope>();
        foreach (var (place, _) in looked.Where(one => one.MayBeTheirs))
        {
            if (letters.Count == limit)
                return (letters, after);
            if (await FindAsync(account, place.Id) is { } letter)
                (after, letters) = (place, [.. letters, letter]);
        }

        return (letters, looked.Count == MaxLooked ? looked[^1].Place : null);
    }

    /// <summary>The attributes of a CloudEvent that the headers of a letter have.</summary>
    internal static Dictionary<string, string?> AttributesOf(DeadLetterEnvelope letter) =>
        letter.Envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key)).ToDictionary(StringComparer.Ordinal);
}

/// <summary>The place of a dead letter in their order: when it was kept, and its id.</summary>
internal readonly record struct LetterPlace(DateTime At, Guid Id)
{
    public static readonly LetterPlace Begin = new(DateTime.UnixEpoch, Guid.Empty);
}
