using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary>
/// The turns of ordinary reads: so many of a client, an account and a node run at once, a few more wait. Each client's run in the order in
/// which they came, clients in turn. Long requests have shares of their own. State: who waits; a lock guards it.
/// </summary>
internal sealed class ReadTurns(ClientShares shares, TimeProvider time)
{
    private static readonly Counter<long> Waited = Instruments.Meter.CreateCounter<long>(
        "results.reads.waited", "{request}", "Reads that waited until others of their client, account or node had ended.");

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Line>> _lines = new(StringComparer.Ordinal);

    // Who had a turn goes to the end.
    private readonly LinkedList<Line> _order = [];

    public Task ServeAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint() is { } endpoint && !PublicEndpoint.Is(endpoint)
        && (HttpMethods.IsGet(context.Request.Method) || endpoint.Metadata.GetMetadata<ReadsAttribute>() is not null)
        && endpoint.Metadata.GetMetadata<LongRequestAttribute>() is null && Caller.Find(context.User) is { } caller
            ? ServeAsync(context, caller, next)
            : next(context);

    private async Task ServeAsync(HttpContext context, Caller caller, RequestDelegate next)
    {
        if (await BeginAsync(context, caller) is { } full)
        {
            if (!context.RequestAborted.IsCancellationRequested)
                await shares.Reads.Refuse(context, full).ExecuteAsync(context);
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            End(caller);
        }
    }

    /// <summary>Waits for a turn; or says whose part is taken.</summary>
    private async ValueTask<string?> BeginAsync(HttpContext context, Caller caller)
    {
        Waiter waiter;
        lock (_gate)
        {
            // Nobody overtakes those of his own client.
            var full = _lines.ContainsKey(caller.ClientId) ? "client" : shares.Reads.Take(caller, 1);
            if (full is null)
                return null;
            if (shares.WaitingReads.Take(caller, 1) is not null)
                return full;

            waiter = new Waiter(caller, full);
            Add(waiter);
        }

        Waited.Add(1);
        // The line is left in any case.
        await waiter.Turn.Task.WaitAsync(shares.ReadPatience, time, context.RequestAborted)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (waiter.Turn.Task.IsCompleted)
                return null;

            Leave(waiter);
            return waiter.Full;
        }
    }

    private void End(Caller caller)
    {
        lock (_gate)
        {
            shares.Reads.Return(caller, 1);
            // What one gives back, one takes.
            for (var node = _order.First; node is not null; node = node.Next)
            {
                var waiter = node.Value.Waiters.First!.Value;
                var full = shares.Reads.Take(waiter.Caller, 1);
                if (full == "node")
                    return;
                if (full is not null)
                    continue;

                Leave(waiter);
                waiter.Turn.SetResult();
                if (node.List is null)
                    return;
                _order.Remove(node);
                _order.AddLast(node);
                return;
            }
        }
    }

    private void Add(Waiter waiter)
    {
        if (!_lines.TryGetValue(waiter.Caller.ClientId, out var line))
            _lines.Add(waiter.Caller.ClientId, line = _order.AddLast(new Line()));
        waiter.Place = line.Value.Waiters.AddLast(waiter);
    }

    private void Leave(Waiter waiter)
    {
        shares.WaitingReads.Return(waiter.Caller, 1);
        var line = _lines[waiter.Caller.ClientId];
        line.Value.Waiters.Remove(waiter.Place!);
        if (line.Value.Waiters.Count > 0)
            return;

        _lines.Remove(waiter.Caller.ClientId);
        _order.Remove(line);
    }

    /// <summary>The reads of one client that wait.</summary>
    private sealed class Line
    {
        public LinkedList<Waiter> Waiters { get; } = [];
    }

    private sealed class Waiter(Caller caller, string full)
    {
        public Caller Caller => caller;

        /// <summary>Whose part was taken when it came.</summary>
        public string Full => full;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Waiter>? Place { get; set; }
    }
}
