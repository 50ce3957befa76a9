using System.Runtime.InteropServices;
using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary>What a node's clients share, so that none of them has all of it.</summary>
public sealed class ClientShares
{
    private const long Mebibyte = 1024 * 1024;

    internal ClientShares(SharesOptions options)
    {
        Exports = new("exports", "exports", options.Exports, unit: 1);
        Lines = new("lines", "requests of lines", options.Lines, unit: 1);
        Followers = new("followers", "requests that wait for changes", options.Followers, unit: 1);
        Uploads = new("uploads", "bytes of events", options.UploadMebibytes, Mebibyte);
        History = new("history", "bytes of history", options.HistoryMebibytes, Mebibyte);
        Searches = new("searches", "searches", options.Searches, unit: 1);
        Reads = new("reads", "reads", options.Reads, unit: 1);
        WaitingReads = new("reads", "reads", options.WaitingReads, unit: 1);
        ReadPatience = TimeSpan.FromSeconds(options.ReadWaitSeconds);
        ExportIdle = TimeSpan.FromSeconds(options.ExportIdleSeconds);
        LinesIdle = TimeSpan.FromSeconds(options.LinesIdleSeconds);
    }

    /// <summary>Places for exports.</summary>
    internal Shares Exports { get; }

    /// <summary>Places for requests of lines.</summary>
    internal Shares Lines { get; }

    /// <summary>Places for requests that wait for changes, and for streams of them.</summary>
    internal Shares Followers { get; }

    /// <summary>Bytes of bodies of requests with events.</summary>
    internal Shares Uploads { get; }

    /// <summary>Bytes of the events of sessions whose history is read.</summary>
    internal Shares History { get; }

    /// <summary>Places for searches.</summary>
    internal Shares Searches { get; }

    /// <summary>Places for ordinary reads.</summary>
    internal Shares Reads { get; }

    /// <summary>Places for ordinary reads that wait for one.</summary>
    internal Shares WaitingReads { get; }

    /// <summary>How long a read waits.</summary>
    internal TimeSpan ReadPatience { get; }

    internal TimeSpan ExportIdle { get; }

    internal TimeSpan LinesIdle { get; }
}

/// <summary>
/// Something that a node has so much of: a client may hold a part, and all clients of an account a larger one.
/// Owns the counts of what is held; a lock guards them. Who holds nothing is not in them.
/// </summary>
internal sealed class Shares(string name, string noun, ShareLimits limits, long unit)
{
    private static readonly Counter<long> Refused = Instruments.Meter.CreateCounter<long>(
        "results.shares.refused", "{request}", "Requests that found no share left, by what is shared and whose part was taken.");

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _clients = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, long> _accounts = [];
    private long _all;

    /// <summary>How much of it is held.</summary>
    internal long Held
    {
        get
        {
            lock (_gate)
                return _all;
        }
    }

    /// <summary>Begins the share of a request, of nothing yet. It ends with the request.</summary>
    public Share Begin(HttpContext http, Caller caller)
    {
        var share = new Share(this, http, caller);
        http.Response.RegisterForDispose(share);
        return share;
    }

    /// <summary>Takes one of it for a request, until that ends; or returns the refusal.</summary>
    public IResult? TakeOrRefuse(HttpContext http, Caller caller)
    {
        var share = Begin(http, caller);
        return share.TryGrow(1) ? null : share.Refusal;
    }

    /// <summary>
    /// Takes so much of it for a request, until that ends; or returns the refusal. What is more than a client may have counts as all
    /// that it may have, so that it is served alone.
    /// </summary>
    public IResult? TakeOrRefuse(HttpContext http, Caller caller, long much)
    {
        var share = Begin(http, caller);
        return share.TryGrow(Math.Min(much, limits.PerClient * unit)) ? null : share.Refusal;
    }

    /// <summary>Takes more; or says whose part is taken: <c>client</c>, <c>account</c> or <c>node</c>.</summary>
    internal string? Take(Caller caller, long more)
    {
        lock (_gate)
        {
            ref var client = ref CollectionsMarshal.GetValueRefOrAddDefault(_clients, caller.ClientId, out _);
            ref var account = ref CollectionsMarshal.GetValueRefOrAddDefault(_accounts, caller.Account, out _);
            var full = client + more > limits.PerClient * unit ? "client"
                : account + more > limits.PerAccount * unit ? "account"
                : _all + more > limits.PerNode * unit ? "node"
                : null;
            if (full is null)
                (client, account, _all) = (client + more, account + more, _all + more);
            Forget(caller, client, account);
            return full;
        }
    }

    internal void Return(Caller caller, long held)
    {
        lock (_gate)
        {
            _all -= held;
            Forget(caller, _clients[caller.ClientId] -= held, _accounts[caller.Account] -= held);
        }
    }

    internal IResult Refuse(HttpContext http, string full)
    {
        Refused.Add(1, new("results.share", name), new("results.share.of", full));
        http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return full == "node"
            ? Problems.Of(
                StatusCodes.Status503ServiceUnavailable,
                $"There are as many {noun} under way as the service takes at a time. Ask again when some have ended.")
            : Problems.Of(
                StatusCodes.Status429TooManyRequests,
                $"This {full} has as many {noun} under way as it may. Ask again when some have ended.",
                type: Problems.QuotaExceeded);
    }

    private void Forget(Caller caller, long client, long account)
    {
        if (client == 0)
            _clients.Remove(caller.ClientId);
        if (account == 0)
            _accounts.Remove(caller.Account);
    }
}

/// <summary>What one request holds of <see cref="Shares"/>. One thread at a time uses it.</summary>
internal sealed class Share(Shares shares, HttpContext http, Caller caller) : IDisposable
{
    private long _held;

    /// <summary>The answer to a request that got no more.</summary>
    public IResult? Refusal { get; private set; }

    /// <summary>Takes more; false when there is none left for this client.</summary>
    public bool TryGrow(long more)
    {
        if (more > 0 && shares.Take(caller, more) is { } full)
        {
            Refusal = shares.Refuse(http, full);
            return false;
        }

        _held += more;
        return true;
    }

    public void Dispose()
    {
        if (_held > 0)
            shares.Return(caller, _held);
        _held = 0;
    }
}
