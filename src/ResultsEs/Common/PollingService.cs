namespace ResultsEs.Common;

/// <summary>
/// A background service that does one thing again and again. A failure is logged and never ends it: it waits longer after each, up to
/// <paramref name="longestPause"/>,
/// and goes on. It stops at once.
/// </summary>
/// <param name="longestPause">The longest pause after failures.</param>
internal abstract class PollingService(TimeSpan longestPause) : BackgroundService
{
    /// <summary>The pause after a poll that succeeded; asked after each.</summary>
    protected abstract TimeSpan Interval { get; }

    /// <summary>Does the work once.</summary>
    protected abstract Task PollAsync(CancellationToken stoppingToken);

    /// <summary>Logs a failure, under an event id of the service's own.</summary>
    protected abstract void LogFailure(Exception failure);

    /// <inheritdoc/>
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
