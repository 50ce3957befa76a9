using Wolverine;
using Wolverine.Attributes;
using Wolverine.ErrorHandling;
using Wolverine.Runtime.Handlers;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>A message of the queue as it came: one CloudEvent or a batch of them, not yet looked at.</summary>
[MessageIdentity(Name)]
public sealed class SessionEventsDelivery
{
    /// <summary>The message type under which it is dead-lettered.</summary>
    internal const string Name = "session-events";

    internal SessionEventsDelivery(Guid account, IReadOnlyList<Guid> workspaces, string? contentType, IReadOnlyDictionary<string, string?> headers, byte[] body) =>
        (Account, Workspaces, ContentType, Headers, Body) = (account, workspaces, contentType, headers, body);

    /// <summary>The tenant: the account that the virtual host is bound to.</summary>
    public Guid Account { get; }

    /// <summary>The workspaces whose sessions may be written through it.</summary>
    public IReadOnlyList<Guid> Workspaces { get; }

    /// <summary>The AMQP property <c>content-type</c>.</summary>
    internal string? ContentType { get; }

    /// <summary>The headers that hold attributes of a CloudEvent in binary mode.</summary>
    internal IReadOnlyDictionary<string, string?> Headers { get; }

    /// <summary>The message's body.</summary>
    internal byte[] Body { get; }
}

/// <summary>Takes the messages of the queue. Returning acknowledges one: it is committed then, or in the dead-letter store.</summary>
public static class SessionEventsDeliveryHandler
{
    /// <summary>
    /// Whatever this handler throws leaves the message unsettled: the broker gives it to somebody else when this node's channel
    /// is closed. Wolverine's own way with a failure may end in an acknowledgement when the database is gone.
    /// </summary>
    public static void Configure(HandlerChain chain) =>
        chain.OnAnyException().CustomActionIndefinitely((_, _, _) => ValueTask.CompletedTask, "leave the message to the broker");

    /// <summary>Records the message's events, or keeps the message as a dead letter.</summary>
    public static Task Handle(SessionEventsDelivery delivery, Envelope envelope, Deliveries deliveries)
    {
        ArgumentNullException.ThrowIfNull(deliveries);
        return deliveries.TakeAsync(delivery, envelope);
    }
}
