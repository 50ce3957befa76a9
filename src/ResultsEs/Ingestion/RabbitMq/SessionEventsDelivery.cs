using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;
using ResultsEs.Common;
using Wolverine;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>A message of the queue as it came: one CloudEvent or a batch of them, not yet looked at.</summary>
/// <param name="Account">The tenant: the account that the virtual host is bound to.</param>
/// <param name="Workspaces">The workspaces whose sessions may be written through it.</param>
/// <param name="ReceivedAt">The queue.</param>
/// <param name="ContentType">The AMQP property <c>content-type</c>.</param>
/// <param name="Headers">The headers that hold attributes of a CloudEvent in binary mode.</param>
/// <param name="Body">The message's body.</param>
internal sealed record SessionEventsDelivery(
    Guid Account, IReadOnlyList<Guid> Workspaces, Uri ReceivedAt, string? ContentType, IReadOnlyDictionary<string, string?> Headers, byte[] Body)
{
    /// <summary>The message type under which it is dead-lettered.</summary>
    public const string Name = "session-events";

    /// <summary>The message that came through a binding.</summary>
    public SessionEventsDelivery(AccountBinding binding, Uri receivedAt, IReadOnlyBasicProperties properties, byte[] body)
        : this(binding.Account, binding.Workspaces, receivedAt, properties.ContentType, HeadersOf(properties), body)
    {
    }

    /// <summary>
    /// An id made of the message itself: a message that comes again is one dead letter, and no two messages share one whatever
    /// message ids their producers give them.
    /// </summary>
    public Guid Id
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(Account.ToByteArray());
            Append(ContentType ?? "");
            foreach (var (name, value) in Headers.OrderBy(header => header.Key, StringComparer.Ordinal))
            {
                Append(name);
                Append(value ?? "");
            }

            hash.AppendData(Body);
            var id = hash.GetHashAndReset().AsSpan(0, 16);
            // RFC 9562, 5.8: version 8, made by a rule of one's own.
            id[6] = (byte)((id[6] & 0x0f) | 0x80);
            id[8] = (byte)((id[8] & 0x3f) | 0x80);
            return new Guid(id, bigEndian: true);

            void Append(string text)
            {
                hash.AppendData(Encoding.UTF8.GetBytes(text));
                hash.AppendData([0]);
            }
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
        (properties.Headers ?? new Dictionary<string, object?>(StringComparer.Ordinal)).Where(header => AmqpCloudEvents.IsAttribute(header.Key))
            .ToDictionary(
                header => header.Key,
                header => header.Value is byte[] text ? Encoding.UTF8.GetString(text) : Convert.ToString(header.Value, CultureInfo.InvariantCulture),
                StringComparer.Ordinal);
}
