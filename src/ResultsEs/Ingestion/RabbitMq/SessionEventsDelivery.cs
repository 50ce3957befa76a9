using RabbitMQ.Client;
using Wolverine;
using Wolverine.Persistence.Durability;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>A message of the queue, not yet validated. Its virtual host determines the account, the workspaces and the address.</summary>
internal sealed record SessionEventsDelivery(
    Guid Account, IReadOnlyList<Guid> Workspaces, string Sender, Uri ReceivedAt,
    string? ContentType, IReadOnlyDictionary<string, string?> Headers, byte[] Body)
{
    /// <summary>The message type of its dead letters.</summary>
    public const string Name = "session-events";

    public SessionEventsDelivery(
        AccountBinding binding, string virtualHost, Uri receivedAt, IReadOnlyBasicProperties properties, byte[] body)
        : this(
            binding.Account, binding.Workspaces, binding.SenderOn(virtualHost), receivedAt,
            properties.ContentType, HeadersOf(properties), body)
    {
    }

    /// <summary>Which part of a message that is too large this is; null for a whole message.</summary>
    public MessagePart? Part { get; init; }

    /// <summary>The message that a dead letter keeps, without workspaces and sender, which a replay takes from the settings.</summary>
    public static SessionEventsDelivery Of(DeadLetterEnvelope letter) => new(
        Guid.Parse(letter.Envelope.TenantId!), [], "", new Uri(letter.ReceivedAt), letter.Envelope.ContentType,
        letter.Envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key)).ToDictionary(StringComparer.Ordinal),
        letter.Envelope.Data ?? []);

    /// <summary>A hash of the message: equal for a redelivery, and for no other message, whatever ids producers give.</summary>
    public Guid Id
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(Account.ToByteArray());
            var headers = Headers.OrderBy(header => header.Key, StringComparer.Ordinal);
            foreach (var text in headers.SelectMany(header => new[] { header.Key, header.Value }).Prepend(ContentType))
                hash.AppendData(Encoding.UTF8.GetBytes(text + "\0"));
            hash.AppendData(Body);
            // Parts may be equal.
            if (Part is not null)
                hash.AppendData(BitConverter.GetBytes(Part.Number));
            var id = hash.GetHashAndReset().AsSpan(0, 16);
            // A UUID of version 8, which an application defines (RFC 9562, 5.8).
            id[6] = (byte)((id[6] & 0x0f) | 0x80);
            id[8] = (byte)((id[8] & 0x3f) | 0x80);
            return new Guid(id, bigEndian: true);
        }
    }

    /// <summary>The message as the dead-letter store keeps it.</summary>
    public Envelope ToEnvelope()
    {
        var envelope = new Envelope
        {
            Id = Id,
            Data = Body,
            ContentType = ContentType,
            TenantId = Tenant.Of(Account),
            MessageType = Name,
            Destination = ReceivedAt,
        };
        foreach (var (name, value) in Headers)
            envelope.Headers[name] = value;
        return envelope;
    }

    private static Dictionary<string, string?> HeadersOf(IReadOnlyBasicProperties properties) =>
        (properties.Headers ?? new Dictionary<string, object?>(StringComparer.Ordinal))
            .Where(header => AmqpCloudEvents.IsAttribute(header.Key))
            .ToDictionary(header => header.Key, header => Text(header.Value), StringComparer.Ordinal);

    private static string? Text(object? value) =>
        value is byte[] text ? Encoding.UTF8.GetString(text) : Convert.ToString(value, CultureInfo.InvariantCulture);
}
