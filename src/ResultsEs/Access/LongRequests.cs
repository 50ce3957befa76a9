namespace ResultsEs.Access;

/// <summary>Marks an endpoint whose requests may last for minutes: see <see cref="LongRequests"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongRequestAttribute : Attribute;

/// <summary>
/// The requests that may last: each is broken off when its client loses what it was let in with. Others are over before that matters.
/// </summary>
internal sealed class LongRequests
{
    private readonly ConcurrentDictionary<Running, Caller> _running = new();

    public LongRequests(Clients clients) => clients.OnChange(BreakOff);

    public Task ServeAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<LongRequestAttribute>() is not null && Caller.Find(context.User) is { } caller
            ? HoldAsync(new Running(context), caller, next)
            : next(context);

    private async Task HoldAsync(Running running, Caller caller, RequestDelegate next)
    {
        _running[running] = caller;
        try
        {
            await next(running.Context);
        }
        finally
        {
            _running.TryRemove(running, out _);
            running.End();
        }
    }

    private void BreakOff(ClientSet clients)
    {
        foreach (var (running, caller) in _running)
        {
            if (!ReferenceEquals(clients.Cut(caller), caller))
                running.BreakOff();
        }
    }

    /// <summary>A request under way. State: whether it has ended, because its context then serves another.</summary>
    private sealed class Running(HttpContext context)
    {
        private readonly Lock _lock = new();
        private bool _hasEnded;

        public HttpContext Context { get; } = context;

        public void End()
        {
            lock (_lock)
                _hasEnded = true;
        }

        public void BreakOff()
        {
            lock (_lock)
            {
                if (!_hasEnded)
                    Context.Abort();
            }
        }
    }
}
