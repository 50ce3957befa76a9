using System.Runtime.InteropServices;

namespace ResultsEs.Webhooks;

/// <summary>A webhook with messages that are due.</summary>
internal readonly record struct DueWebhook(Guid Id, string Account, bool IsSlow, int Due);

/// <summary>
/// The attempts that a node may have under way. Webhooks whose last attempt failed or took long have slots of their own, so that they take
/// none from the others. Accounts take turns, and so do the webhooks of an account. Owns the counts; a lock guards them.
/// </summary>
internal sealed class SendingSlots
{
    /// <summary>Slots of a node, an account and a webhook that answer well.</summary>
    public static readonly (int Node, int Account, int Webhook) Swift = (32, 16, 4);

    /// <summary>Slots of those whose last attempt failed or took long.</summary>
    public static readonly (int Node, int Account, int Webhook) Slow = (16, 4, 1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(bool IsSlow, string Key), int> _held = [];
    private string _last = "";

    /// <summary>Takes slots for messages that are due: a number for each webhook that gets any.</summary>
    public IReadOnlyList<(DueWebhook Webhook, int Count)> Take(IEnumerable<DueWebhook> due)
    {
        lock (_gate)
        {
            // Accounts after the last that got one are first.
            var accounts = due.GroupBy(webhook => webhook.Account, StringComparer.Ordinal)
                .OrderBy(account => string.CompareOrdinal(account.Key, _last) <= 0).ThenBy(account => account.Key, StringComparer.Ordinal)
                .Select(account => new Queue<DueWebhook>(account)).ToList();
            var taken = new Dictionary<DueWebhook, int>();
            while (accounts.Count > 0)
            {
                foreach (var account in accounts)
                {
                    var webhook = account.Dequeue();
                    var count = taken.GetValueOrDefault(webhook);
                    if (count == webhook.Due || !TryTake(webhook))
                        continue;

                    taken[webhook] = count + 1;
                    _last = webhook.Account;
                    account.Enqueue(webhook);
                }

                accounts.RemoveAll(account => account.Count == 0);
            }

            return [.. taken.Select(one => (one.Key, one.Value))];
        }
    }

    /// <summary>Gives slots of a webhook back, which were taken as swift or slow ones.</summary>
    public void Return(DueWebhook webhook, int count)
    {
        lock (_gate)
        {
            foreach (var key in KeysOf(webhook))
                Add(key, -count);
        }
    }

    private bool TryTake(DueWebhook webhook)
    {
        var (node, account, own) = webhook.IsSlow ? Slow : Swift;
        var keys = KeysOf(webhook);
        if (Held(keys[0]) >= node || Held(keys[1]) >= account || Held(keys[2]) >= own)
            return false;

        foreach (var key in keys)
            Add(key, 1);
        return true;
    }

    private static (bool IsSlow, string Key)[] KeysOf(DueWebhook webhook) =>
        [(webhook.IsSlow, ""), (webhook.IsSlow, webhook.Account), (webhook.IsSlow, $"{webhook.Account}/{webhook.Id}")];

    private int Held((bool, string) key) => _held.GetValueOrDefault(key);

    private void Add((bool, string) key, int more)
    {
        ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(_held, key, out _);
        if ((held += more) == 0)
            _held.Remove(key);
    }
}
