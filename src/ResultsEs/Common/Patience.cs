namespace ResultsEs.Common;

/// <summary>
/// A limit on the silence of the other side, step by step: the whole may take as long as it likes. The token also ends with
/// <paramref name="cancellation"/>.
/// </summary>
internal sealed class Patience(TimeSpan limit, CancellationToken cancellation) : IDisposable
{
    private readonly CancellationTokenSource _silence = new();
    private CancellationTokenSource? _linked;

    public CancellationToken Token => (_linked ??= CancellationTokenSource.CreateLinkedTokenSource(cancellation, _silence.Token)).Token;

    /// <summary>True when a step took too long.</summary>
    public bool IsOver => _silence.IsCancellationRequested;

    /// <summary>Begins a step, which the other side has to end.</summary>
    public void Begin() => _silence.CancelAfter(limit);

    public void End() => _silence.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Writes bytes in one step, which ends when the other side has taken them, or there is room for more.</summary>
    public async ValueTask WriteAsync(PipeWriter body, ReadOnlyMemory<byte> bytes)
    {
        Begin();
        await body.WriteAsync(bytes, Token);
        End();
    }

    public void Dispose()
    {
        _linked?.Dispose();
        _silence.Dispose();
    }
}
