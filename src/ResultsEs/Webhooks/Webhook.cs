[assembly: JsonContext<ResultsEs.Webhooks.WebhookJson>]

namespace ResultsEs.Webhooks;

/// <summary>A kind of message. On the wire <c>session.completed</c>, and so on.</summary>
[JsonConverter(typeof(WebhookKindConverter))]
public enum WebhookKind
{
    /// <summary><c>session.completed</c>: a session is complete, told once by each webhook.</summary>
    Completed,

    /// <summary><c>session.updated</c>: a session became visible, or something of it changed.</summary>
    Updated,

    /// <summary><c>session.removed</c>: a session is not there any more, or what it held is erased.</summary>
    Removed,
}

/// <summary>What a message holds.</summary>
[JsonConverter(typeof(WireEnumConverter<WebhookContent>))]
public enum WebhookContent
{
    /// <summary><c>THIN</c>: which session it is, and when and how it changed.</summary>
    Thin,

    /// <summary><c>SESSION</c>: the session, too, as <c>getSessionResultV3</c> answers it when the message is sent.</summary>
    Session,
}

/// <summary>Whether a webhook sends.</summary>
[JsonConverter(typeof(WireEnumConverter<WebhookStatus>))]
public enum WebhookStatus
{
    /// <summary><c>ENABLED</c></summary>
    Enabled,

    /// <summary><c>DISABLED</c>: nothing is sent, and nothing is lost, until it is enabled.</summary>
    Disabled,

    /// <summary><c>SUSPENDED</c>: its client has not the rights that it needs. It goes on when the client has them.</summary>
    Suspended,
}

/// <summary>A subscription to changes of sessions.</summary>
internal sealed record Webhook
{
    /// <summary>The webhook.</summary>
    public required Guid WebhookId { get; init; }

    /// <summary>Where messages are sent.</summary>
    public required string Url { get; init; }

    /// <summary>The kinds of messages.</summary>
    public required IReadOnlyList<WebhookKind> Kinds { get; init; }

    /// <summary>The test whose sessions it tells of; absent: all of the client's workspaces.</summary>
    public Guid? TestId { get; init; }

    /// <summary>What messages hold.</summary>
    public required WebhookContent Content { get; init; }

    /// <summary>What it is for, in the words of who made it.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it sends.</summary>
    public required WebhookStatus Status { get; init; }

    /// <summary>Why it is disabled.</summary>
    public string? DisabledReason { get; init; }

    /// <summary>When it was disabled.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? DisabledTime { get; init; }

    /// <summary>Until when messages are signed by the secret of before, too; absent when by one alone.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? FormerSecretUntil { get; init; }

    /// <summary>When it was made.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>When it was last changed.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset UpdatedTime { get; init; }

    /// <summary>The account, as tenant.</summary>
    [JsonIgnore]
    public string Account { get; init; } = "";

    /// <summary>The client whose rights it has.</summary>
    [JsonIgnore]
    public string ClientId { get; init; } = "";

    /// <summary>The position in the feed up to which its messages are made.</summary>
    [JsonIgnore]
    public long Position { get; init; }
}

/// <summary>A webhook with its secret, which no other answer shows.</summary>
/// <param name="Webhook">The webhook.</param>
/// <param name="Secret">The secret by which messages are signed, as <c>whsec_…</c>.</param>
internal sealed record WebhookWithSecret(Webhook Webhook, string Secret);

/// <summary>The webhooks of a client.</summary>
/// <param name="Webhooks">All of them, the oldest first.</param>
internal sealed record WebhookList(IReadOnlyList<Webhook> Webhooks);

/// <summary>The names of kinds on the wire.</summary>
internal static class WebhookKinds
{
    private static readonly string[] Words = ["session.completed", "session.updated", "session.removed"];

    /// <summary>The names of all kinds.</summary>
    public static IReadOnlyList<string> All => Words;

    public static string Text(WebhookKind kind) => Words[(int)kind];

    public static WebhookKind? Find(string? text) => Array.IndexOf(Words, text) is >= 0 and var index ? (WebhookKind)index : null;
}

internal sealed class WebhookKindConverter : JsonConverter<WebhookKind>
{
    public override WebhookKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && WebhookKinds.Find(reader.GetString()) is { } kind
            ? kind
            : throw new JsonException($"must be one of {string.Join(", ", WebhookKinds.All)}");

    public override void Write(Utf8JsonWriter writer, WebhookKind value, JsonSerializerOptions options) =>
        writer.WriteStringValue(WebhookKinds.Text(value));
}

[JsonSerializable(typeof(Webhook))]
[JsonSerializable(typeof(WebhookWithSecret))]
[JsonSerializable(typeof(WebhookList))]
[JsonSerializable(typeof(WebhookMessage))]
[JsonSerializable(typeof(WebhookDeliveryPage))]
[JsonSerializable(typeof(IReadOnlyList<WebhookAttempt>))]
[JsonSerializable(typeof(WebhookReplay))]
internal sealed partial class WebhookJson : JsonSerializerContext;
