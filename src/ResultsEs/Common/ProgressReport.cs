using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace ResultsEs.Common;

/// <summary>
/// Tells the person at a command how a long work goes: a bar with rate and remaining time on a terminal, plain lines elsewhere. Told from
/// several threads;
/// the last line told is guarded by <see cref="_gate"/>.
/// </summary>
internal sealed class ProgressReport
{
    /// <summary>A total that is not known.</summary>
    public const long Unknown = long.MaxValue;

    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly TextWriter _output;
    private readonly ProgressContext? _terminal;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private ProgressTask? _task;
    private string _phase = "";
    private long _begin;
    private TimeSpan _began;
    private TimeSpan _told;

    /// <summary>For work that nobody watches.</summary>
    public static readonly ProgressReport Silent = new(TextWriter.Null, terminal: null);

    private ProgressReport(TextWriter output, ProgressContext? terminal) => (_output, _terminal) = (output, terminal);

    /// <summary>Runs <paramref name="work"/> with a report to <paramref name="output"/>; a bar when that is the terminal.</summary>
    public static async Task<T> RunAsync<T>(TextWriter output, Func<ProgressReport, Task<T>> work)
    {
        var isTerminal = output == Console.Error ? !Console.IsErrorRedirected : !Console.IsOutputRedirected;
        if (!isTerminal)
            return await work(new ProgressReport(output, terminal: null));

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        return await console.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(context => work(new ProgressReport(output, context)));
    }

    /// <summary>A line of its own.</summary>
    public void Line(string text)
    {
        lock (_gate)
            _output.WriteLine(text);
    }

    /// <summary>What is done from now on.</summary>
    /// <param name="name">As a person calls it.</param>
    /// <param name="done">How much of it was done before.</param>
    public void Phase(string name, long done = 0)
    {
        lock (_gate)
        {
            (_phase, _begin, _began) = (name, done, _watch.Elapsed);
            if (_terminal is null)
            {
                _output.WriteLine(name);
                _told = _watch.Elapsed;
                return;
            }

            _task?.StopTask();
            _task = AddTask(_terminal, name);
        }
    }

    /// <summary>How far work without phases has come, in words of its own.</summary>
    /// <param name="share">How much is done, 0 to 1; null when nobody knows of how much.</param>
    /// <param name="text">The words.</param>
    public void Show(double? share, string text)
    {
        lock (_gate)
        {
            if (_terminal is not null)
            {
                _task ??= AddTask(_terminal, text);
                (_task.IsIndeterminate, _task.MaxValue, _task.Value, _task.Description) = (share is null, 1, share ?? 0, text);
            }
            else if (_watch.Elapsed - _told >= BetweenLines)
            {
                _told = _watch.Elapsed;
                _output.WriteLine(share is null ? text : string.Create(CultureInfo.InvariantCulture, $"{text} ({100 * share:0} %)"));
            }
        }
    }

    /// <summary>How much is done of the phase.</summary>
    /// <param name="done">So much.</param>
    /// <param name="total">Of so much, or <see cref="Unknown"/>.</param>
    /// <param name="unit">Of what: <c>events</c>.</param>
    public void Done(long done, long total, string unit)
    {
        lock (_gate)
        {
            var seconds = (_watch.Elapsed - _began).TotalSeconds;
            var rate = seconds > 0 ? (done - _begin) / seconds : 0;
            if (_task is not null)
            {
                _task.IsIndeterminate = total == Unknown;
                _task.MaxValue = Math.Max(total, 1);
                _task.Value = done;
                _task.Description = string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done:N0} {unit}, {rate:N0}/s");
                return;
            }

            if (done < total && _watch.Elapsed - _told < BetweenLines)
                return;

            _told = _watch.Elapsed;
            var remaining = rate > 0 && total != Unknown ? TimeSpan.FromSeconds(Math.Ceiling(Math.Max(total - done, 0) / rate)) : TimeSpan.Zero;
            _output.WriteLine(total == Unknown
                ? string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done} {unit}, {rate:F0}/s")
                : string.Create(CultureInfo.InvariantCulture, $"{_phase}: {done} of {total} {unit}, {rate:F0}/s, {remaining:c} to go"));
        }
    }

    private static ProgressTask AddTask(ProgressContext terminal, string description)
    {
        var task = terminal.AddTask(description);
        task.IsIndeterminate = true;
        return task;
    }
}
