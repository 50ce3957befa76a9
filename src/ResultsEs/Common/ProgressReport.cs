using Spectre.Console;

namespace ResultsEs.Common;

/// <summary>
/// The progress of long work, for the person at a command. A terminal shows a bar with rate and remaining time; elsewhere it is plain
/// lines. Thread-safe: <see cref="_gate"/> guards the output and the fields below it.
/// </summary>
internal sealed class ProgressReport(TextWriter output, ProgressContext? terminal)
{
    /// <summary>The total of work whose size is unknown.</summary>
    public const long Unknown = long.MaxValue;

    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lock _gate = new();
    private ProgressTask? _task;
    private string _phase = "";
    private long _doneAtStart;
    private TimeSpan _startedAt;
    private TimeSpan _lastLineAt;

    /// <summary>The report of work that nobody watches.</summary>
    public static readonly ProgressReport Silent = new(TextWriter.Null, terminal: null);

    /// <summary>Runs <paramref name="work"/> with a report to <paramref name="output"/>; a bar when that is a terminal.</summary>
    public static async Task<T> RunAsync<T>(TextWriter output, Func<ProgressReport, Task<T>> work)
    {
        var isTerminal = output == Console.Error ? !Console.IsErrorRedirected : !Console.IsOutputRedirected;
        if (!isTerminal)
            return await work(new ProgressReport(output, terminal: null));

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        return await console.Progress()
            .Columns(
                new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(context => work(new ProgressReport(output, context)));
    }

    public void Line(string text)
    {
        lock (_gate)
            output.WriteLine(text);
    }

    /// <summary>Begins a phase, of which <paramref name="done"/> was done before.</summary>
    public void Phase(string name, long done = 0)
    {
        lock (_gate)
        {
            (_phase, _doneAtStart, _startedAt) = (name, done, _watch.Elapsed);
            if (terminal is null)
            {
                output.WriteLine(name);
                _lastLineAt = _watch.Elapsed;
                return;
            }

            _task?.StopTask();
            _task = terminal.AddTask(name).IsIndeterminate();
        }
    }

    /// <summary>Shows a text for work without phases. <paramref name="share"/> is how much is done, 0 to 1; null when unknown.</summary>
    public void Show(double? share, string text)
    {
        lock (_gate)
        {
            if (terminal is not null)
            {
                _task ??= terminal.AddTask(text).IsIndeterminate();
                (_task.IsIndeterminate, _task.MaxValue, _task.Value, _task.Description) = (share is null, 1, share ?? 0, text);
            }
            else if (_watch.Elapsed - _lastLineAt >= BetweenLines)
            {
                _lastLineAt = _watch.Elapsed;
                output.WriteLine(share is null ? text : string.Create(CultureInfo.InvariantCulture, $"{text} ({100 * share:0} %)"));
            }
        }
    }

    /// <summary>Shows how much of the phase is done. The total may be <see cref="Unknown"/>; a unit is such as <c>events</c>.</summary>
    public void Done(long done, long total, string unit)
    {
        lock (_gate)
        {
            var seconds = (_watch.Elapsed - _startedAt).TotalSeconds;
            var rate = seconds > 0 ? (done - _doneAtStart) / seconds : 0;
            if (_task is not null)
            {
                _task.IsIndeterminate = total == Unknown;
                _task.MaxValue = Math.Max(total, 1);
                _task.Value = done;
                _task.Description = string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done:N0} {unit}, {rate:N0}/s");
                return;
            }

            if (done < total && _watch.Elapsed - _lastLineAt < BetweenLines)
                return;

            _lastLineAt = _watch.Elapsed;
            var secondsLeft = rate > 0 && total != Unknown ? Math.Ceiling(Math.Max(total - done, 0) / rate) : 0;
            var remaining = TimeSpan.FromSeconds(secondsLeft);
            output.WriteLine(total == Unknown
                ? string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done} {unit}, {rate:F0}/s")
                : string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done} of {total} {unit}, {rate:F0}/s, {remaining:c} to go"));
        }
    }
}
