namespace ResultsEs.Webhooks;

/// <summary>How far a delivery is.</summary>
[JsonConverter(typeof(WireEnumConverter<DeliveryStatus>))]
public enum DeliveryStatus
{
    /// <summary><c>PENDING</c>: it waits for its first or its next attempt.</summary>
    Pending,

    /// <summary><c>DELIVERED</c>: the endpoint has answered with 2xx.</summary>
    Delivered,

    /// <summary><c>FAILED</c>: it was tried for 72 hours. It is sent again when its webhook is enabled, or when it is replayed.</summary>
    Failed,

    /// <summary><c>DROPPED</c>: the webhook's client may not see the session's workspace any more.</summary>
    Dropped,
}

/// <summary>An entry of a webhook's log: a message, and what became of it. It holds nothing of what was sent.</summary>
internal sealed record WebhookDelivery
{
    /// <summary>The message's id, which is the header <c>webhook-id</c> whenever it is sent.</summary>
    public required Guid DeliveryId { get; init; }

    /// <summary>The kind.</summary>
    public required WebhookKind Kind { get; init; }

    /// <summary>The session.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The session's test.</summary>
    public required Guid TestId { get; init; }

    /// <summary>When the message was made.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>How far it is.</summary>
    public required DeliveryStatus Status { get; init; }

    /// <summary>When it is tried next; absent when nothing is left to be done.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? NextAttemptTime { get; init; }

    /// <summary>The latest 40 attempts, the oldest first.</summary>
    public required IReadOnlyList<WebhookAttempt> Attempts { get; init; }
}

/// <summary>An attempt to deliver a message.</summary>
/// <param name="Time">When it began.</param>
/// <param name="DurationMs">Milliseconds until its end.</param>
/// <param name="Status">The status of the answer; absent without one.</param>
/// <param name="Problem">Why it failed; absent when the message is delivered.</param>
internal sealed record WebhookAttempt(
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Time, long DurationMs, int? Status, string? Problem)
{
    /// <summary>The most attempts that a delivery keeps.</summary>
    public const int MaxKept = 40;
}

/// <summary>A page of a webhook's log.</summary>
/// <param name="Deliveries">The deliveries, the newest first.</param>
/// <param name="Meta">Which part of the log this is.</param>
internal sealed record WebhookDeliveryPage(IReadOnlyList<WebhookDelivery> Deliveries, Http.ListMeta Meta);

/// <summary>What a replay has queued.</summary>
/// <param name="Queued">How many messages are sent again.</param>
/// <param name="Since">Where a range goes on of which this is a part; absent when this is all of it.</param>
internal sealed record WebhookReplay(
    int Queued, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset? Since = null);

/// <summary>A message that is to be sent, with what its webhook says.</summary>
internal sealed record ClaimedDelivery
{
    public required Guid Id { get; init; }

    public required Guid Webhook { get; init; }

    public required WebhookKind Kind { get; init; }

    public required Guid Session { get; init; }

    public required Guid Workspace { get; init; }

    public required Guid Test { get; init; }

    public required string? Reason { get; init; }

    public required long Version { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>The time of the first attempt since it was queued; null when this is it.</summary>
    public required DateTimeOffset? FirstAt { get; init; }

    /// <summary>The number of attempts that have failed since it was queued.</summary>
    public required int Tries { get; init; }

    public required string Account { get; init; }

    public required string ClientId { get; init; }

    public required string Url { get; init; }

    public required WebhookContent Content { get; init; }

    public required byte[] Secret { get; init; }

    /// <summary>The secret of before, while it is valid.</summary>
    public required byte[]? FormerSecret { get; init; }
}
