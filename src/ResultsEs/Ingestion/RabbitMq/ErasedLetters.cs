using System.Text.RegularExpressions;
using ResultsEs.EventStore;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// Takes events of erased sessions and participants out of dead letters. What cannot be read as JSON goes as a whole where it names
/// one of them.
/// </summary>
internal sealed partial class ErasedLetters(NpgsqlDataSource database, IMessageStore messages)
{
    private const string Encoded = "data_base64";

    /// <summary>The message without what is erased: itself when nothing of it is, null when nothing is left.</summary>
    public async Task<SessionEventsDelivery?> WithoutErasedAsync(SessionEventsDelivery delivery, CancellationToken cancellation)
    {
        var events = EventsOf(delivery);
        var account = Tenant.Of(delivery.Account);
        var named = events.SelectMany(one => one.Ids).ToHashSet();
        if (named.Count == 0)
            return delivery;

        var pseudonyms = named.ToDictionary(id => id, id => Masking.PseudonymOf(account, id));
        var erased = await Erased.AmongAsync(database, account, [.. pseudonyms.Keys, .. pseudonyms.Values], cancellation);
        if (erased.Count == 0)
            return delivery;

        var left = events.Where(one => !one.Ids.Any(id => erased.Contains(id) || erased.Contains(pseudonyms[id]))).ToList();
        return left.Count == 0 ? null
            : left.Count == events.Count ? delivery
            : delivery with { Body = Encoding.UTF8.GetBytes($"[{string.Join(',', left.Select(one => one.Json))}]") };
    }

    /// <summary>Takes what is erased out of all dead letters of an account. Returns how many changed.</summary>
    public async Task<int> SweepAsync(string account, CancellationToken cancellation)
    {
        var changed = 0;
        await foreach (var letter in OfAccountAsync(account, cancellation))
            changed += await SweepAsync(letter, cancellation) ? 1 : 0;
        return changed;
    }

    /// <summary>Reads from the dead letters of an account the events that name one of these ids, as text.</summary>
    public async Task<IReadOnlyList<(Guid Id, string Text)>> NamingAsync(
        string account, IReadOnlyCollection<Guid> ids, CancellationToken cancellation)
    {
        var named = new List<(Guid, string)>();
        await foreach (var letter in OfAccountAsync(account, cancellation))
        {
            var delivery = SessionEventsDelivery.Of(letter);
            var events = EventsOf(delivery).Where(one => one.Ids.Overlaps(ids))
                .Select(one => one.Json.Length > 0 ? one.Json : Encoding.UTF8.GetString(AmqpCloudEvents.Unpacked(delivery)));
            if (string.Join('\n', events) is { Length: > 0 } text)
                named.Add((letter.Id, text));
        }

        return named;
    }

    /// <summary>Takes what is erased out of one dead letter, as <see cref="SweepAsync(string, CancellationToken)"/>.</summary>
    public async Task<bool> SweepAsync(DeadLetterEnvelope letter, CancellationToken cancellation)
    {
        var delivery = SessionEventsDelivery.Of(letter);
        var left = await WithoutErasedAsync(delivery, cancellation);
        if (ReferenceEquals(left, delivery))
            return false;

        // The rest is stored first: when the process ends in between, the next sweep finds the old one.
        if (left is not null)
            await messages.Inbox.MoveToDeadLetterStorageAsync(left.ToEnvelope(), ReasonOf(letter.ExceptionMessage));
        await messages.DeadLetters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), cancellation);
        return true;
    }

    /// <summary>The reason without what it says of events, because these may be the erased ones.</summary>
    public static RefusedDeliveryException ReasonOf(string reason)
    {
        var kind = reason.IndexOf(':', StringComparison.Ordinal) is > 0 and < 20 and var end ? reason[..end] : "invalid";
        return new($"{kind}: refused as a whole; events that were erased are taken out of it since");
    }

    private async IAsyncEnumerable<DeadLetterEnvelope> OfAccountAsync(
        string account, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var ids = await database.CreateCommand(
            $"select id from {MartenSetup.Schema}.wolverine_dead_letters where message_type = $1 order by failed_at, id")
            .ReadAllAsync([SessionEventsDelivery.Name], reader => reader.GetGuid(0), cancellation);
        foreach (var id in ids)
        {
            if (await messages.DeadLetters.DeadLetterEnvelopeByIdAsync(id) is { } letter && letter.Envelope.TenantId == account)
                yield return letter;
        }
    }

    /// <summary>The events of a message as JSON with the ids in them; one for all where it cannot be taken apart.</summary>
    private static List<(string Json, HashSet<Guid> Ids)> EventsOf(SessionEventsDelivery delivery)
    {
        var body = AmqpCloudEvents.Unpacked(delivery);
        var ids = IdsIn(Encoding.UTF8.GetString(body));
        foreach (var header in delivery.Headers.Values)
            ids.UnionWith(IdsIn(header ?? ""));
        try
        {
            var json = JsonElement.Parse(CloudEventReader.WithoutByteOrderMark(body));
            if (delivery.Headers.Count == 0 && json.ValueKind == JsonValueKind.Array)
                return [.. json.EnumerateArray().Select(one => (one.GetRawText(), IdsIn(one)))];
            ids.UnionWith(IdsIn(json));
        }
        catch (JsonException)
        {
            // Searched as text alone.
        }

        return [("", ids)];
    }

    private static HashSet<Guid> IdsIn(JsonElement json)
    {
        var ids = new HashSet<Guid>();
        Add(json, isEncoded: false);
        return ids;

        void Add(JsonElement one, bool isEncoded)
        {
            if (one.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in one.EnumerateObject())
                    Add(member.Value, member.NameEquals(Encoded));
            }
            else if (one.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in one.EnumerateArray())
                    Add(item, isEncoded: false);
            }
            else if (one.ValueKind == JsonValueKind.String)
            {
                ids.UnionWith(IdsIn(one.GetString()!));
                if (isEncoded && one.TryGetBytesFromBase64(out var bytes))
                    ids.UnionWith(IdsIn(Encoding.UTF8.GetString(bytes)));
            }
        }
    }

    private static HashSet<Guid> IdsIn(string text) => [.. Id().Matches(text).Select(match => Guid.Parse(match.Value))];

    [GeneratedRegex(
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Id();
}
