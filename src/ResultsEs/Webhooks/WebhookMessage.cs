using ResultsEs.Sessions;

namespace ResultsEs.Webhooks;

/// <summary>A message of a webhook: a CloudEvent 1.0 in the JSON event format, whose <c>id</c> is the header <c>webhook-id</c>.</summary>
/// <param name="Specversion">The version of CloudEvents: <c>1.0</c>.</param>
/// <param name="Id">The message's id, the same whenever it is sent.</param>
/// <param name="Source">The webhook: <c>/api/v3/webhooks/{webhookId}</c>.</param>
/// <param name="Type">The kind.</param>
/// <param name="Subject">The session.</param>
/// <param name="Time">When the change was stored.</param>
/// <param name="Datacontenttype"><c>application/json</c></param>
/// <param name="Data">What changed.</param>
internal sealed record WebhookMessage(
    string Specversion,
    Guid Id,
    string Source,
    WebhookKind Type,
    Guid Subject,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Time,
    string Datacontenttype,
    WebhookData Data)
{
    /// <summary>The content type of messages.</summary>
    public const string ContentType = "application/cloudevents+json";

    /// <summary>The most bytes of a session in a message; a larger one is to be asked for.</summary>
    public const int MaxSessionBytes = 1024 * 1024;

    /// <summary>The bytes of a message, with a session that is there.</summary>
    public static byte[] Write(ClaimedDelivery delivery, byte[]? session, bool isLeftOut)
    {
        var message = new WebhookMessage(
            "1.0", delivery.Id, $"/api/v3/webhooks/{delivery.Webhook}", delivery.Kind, delivery.Session, delivery.ChangedAt,
            "application/json",
            new WebhookData
            {
                SessionId = delivery.Session,
                TestId = delivery.Test,
                WorkspaceId = delivery.Workspace,
                UpdatedTime = delivery.ChangedAt,
                Version = delivery.Version,
                Reason = delivery.Reason,
                IsSessionLeftOut = isLeftOut ? true : null,
            });
        var bytes = JsonSerializer.SerializeToUtf8Bytes(message, Json.Of<WebhookMessage>());
        if (session is null)
            return bytes;

        // The data is the last member, so the session comes before the last two braces.
        return [.. bytes.AsSpan(0, bytes.Length - 2), .. ",\"session\":"u8, .. session, .. "}}"u8];
    }
}

/// <summary>What a message tells of a session.</summary>
internal sealed record WebhookData
{
    /// <summary>The session.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>Its test; of one that was removed, the one that it was of.</summary>
    public required Guid TestId { get; init; }

    /// <summary>Its workspace; of one that was removed, the one that it was in.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>When the change was stored, by the database's clock. Of two messages of a session the later one counts.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset UpdatedTime { get; init; }

    /// <summary>The number of events of the session that the change was made of.</summary>
    public required long Version { get; init; }

    /// <summary>Why it was removed: <c>moved</c>, <c>erased</c> or <c>expired</c>. Of <c>session.removed</c> alone.</summary>
    public string? Reason { get; init; }

    /// <summary>True when the session is larger than 1 MiB, or cannot be given: ask for it by <c>getSessionResultV3</c>.</summary>
    public bool? IsSessionLeftOut { get; init; }

    /// <summary>The session as it is when the message is sent. Absent in a thin message, and of one that is gone.</summary>
    public SessionBody? Session { get; init; }
}
