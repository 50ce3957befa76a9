using System.Globalization;
using System.Text;
using Wolverine;
using Wolverine.RabbitMQ;
using Wolverine.RabbitMQ.Internal;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Listening to RabbitMQ.</summary>
internal static class RabbitMqSetup
{
    // RabbitMQ 4 drops a message that came back 20 times, and each restart of a node gives back what it has in hand. A limit
    // of -1 is none, but version 3 refuses it; this many are as good as none.
    private const int DeliveryLimit = 1_000_000_000;

    /// <summary>Listens to each bound virtual host's queue, and declares it where it is missing.</summary>
    public static void ListenToRabbitMq(this WolverineOptions options, Uri broker, RabbitMqOptions settings)
    {
        foreach (var binding in settings.Accounts)
        {
            var name = new BrokerName(NameOf(binding.HostOr(broker)));
            options.AddNamedRabbitMqBroker(name, factory =>
                {
                    factory.Uri = broker;
                    factory.VirtualHost = binding.HostOr(broker);
                    factory.ClientProvidedName = "results-es";
                })
                .AutoProvision()
                .DisableDeadLetterQueueing()
                .DisableSystemRequestReplyQueueDeclaration()
                // A stopping node puts back what it has not begun, and must know that it is there before it lets go of it.
                .ConfigureChannelCreation(channel => channel.PublisherConfirmationsEnabled = channel.PublisherConfirmationTrackingEnabled = true);

            // One lane per session is SessionWriter's work; here as many messages as may be in hand are worked on at once.
            options.ListenToRabbitQueueOnNamedBroker(name, RabbitMqOptions.Queue)
                .QueueType(QueueType.quorum)
                .DeliveryLimit(DeliveryLimit)
                .PreFetchCount(settings.Prefetch)
                .ProcessInParallelWithNativeAcks()
                .MaximumParallelMessages(settings.Prefetch)
                .UseInterop(new SessionEventsMapper(binding));
        }
    }

    /// <summary>
    /// The broker's name, which Wolverine uses as the scheme of its URIs (RFC 3986: letters, digits, <c>-</c>; no difference
    /// between cases). What a scheme cannot hold is written as its bytes, so that no two virtual hosts share a name.
    /// </summary>
    internal static string NameOf(string virtualHost)
    {
        var name = new StringBuilder("rabbitmq-");
        foreach (var b in Encoding.UTF8.GetBytes(virtualHost))
        {
            if (char.IsAsciiLetterLower((char)b) || char.IsAsciiDigit((char)b))
                name.Append((char)b);
            else
                name.Append(CultureInfo.InvariantCulture, $"-{b:x2}");
        }

        return name.ToString();
    }
}
