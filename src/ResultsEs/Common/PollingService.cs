namespace ResultsEs.Common;

/// <summary>
/// A background service that repeats one piece of work. A failure is logged and never ends it: the pause grows with each failure, up to
/// <paramref name="longestPause"/>. It stops at once.
/// </summary>
internal abstract class PollingService(TimeSpan longestPause) : BackgroundService
{
    /// <summary>The pause after a success, read after each.</summary>
    protected abstract TimeSpan Interval { get; }

    protected abstract Task PollAsync(CancellationToken stoppingToken);

    /// <summary>Logs a failure under the derived service's event id.</summary>
    protected abstract void LogFailure(Exception failure);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await PollAsync(stoppingToken);
                failures = 0;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failures++;
                LogFailure(e);
            }

            var pause = failures == 0 ? Interval : new Backoff(Interval, longestPause).After(failures + 1);
            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
