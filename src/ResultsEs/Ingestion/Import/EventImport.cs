using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Ingestion.Import;

/// <summary>A line whose event is not stored.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Id">The event's id as it came, where it has one.</param>
/// <param name="Errors">What is wrong by JSON path within the event; <c>$</c> is the event itself.</param>
internal sealed record RefusedLine(long Line, string? Id, IReadOnlyDictionary<string, string[]> Errors)
{
    public static RefusedLine Of(long line, IEnumerable<EventProblem> problems) => new(
        line,
        problems.Select(problem => problem.EventId).FirstOrDefault(id => id is not null),
        problems.GroupBy(problem => problem.Path.Length == 0 ? "$" : problem.Path, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).ToArray(), StringComparer.Ordinal));
}

/// <summary>How an import ended.</summary>
internal enum ImportEnd
{
    /// <summary>All lines are dealt with.</summary>
    Complete,

    /// <summary>It was told to stop.</summary>
    Stopped,

    /// <summary>The database did not answer, or other writers held the sessions, for longer than the import is willing to wait.</summary>
    Unavailable,
}

/// <summary>
/// One import of events, one a line. Lines that are refused leave the others alone. Several commands are under way at a time, and
/// they are finished in the order of the lines, so that one number says how far it has come. Owns its counts.
/// </summary>
internal sealed partial class EventImport(
    Func<RecordEvents, Task<RecordResult>> record, Guid account, IReadOnlyList<Guid> workspaces, TimeSpan patience, ILogger logger, Action<RefusedLine> refuse)
{
    // As many as the writer commits at a time, and the next ones ready. Measured with 200,000 events: 4 commands of 250 events
    // make 0.67 of this speed, of 500 events 0.88; 8 of 500 as much as this.
    private const int MaxUnderWay = 4;
    private const int MaxEvents = CloudEventReader.MaxEvents;
    private const int MaxBytes = 2 * 1024 * 1024;

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1_600));

    private readonly Queue<(long LastLine, Task<Batch> Recorded)> _underWay = new();

    /// <summary>Lines that held an event, or something that is none.</summary>
    public long Lines { get; private set; }

    /// <summary>Events that were new and are stored.</summary>
    public long Accepted { get; private set; }

    /// <summary>Events that were stored before.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Lines that are not stored.</summary>
    public long Refused { get; private set; }

    /// <summary>Every line up to this one is stored or refused; those after it may be.</summary>
    public long ThroughLine { get; private set; }

    /// <summary>Imports lines to the end.</summary>
    /// <param name="reader">The bytes; see <see cref="EventLines"/>.</param>
    /// <param name="from">The first line to import.</param>
    /// <param name="stop">Stops the reading; what is read is recorded.</param>
    /// <exception cref="IOException">The bytes cannot be read to their end.</exception>
    public async Task<ImportEnd> RunAsync(PipeReader reader, long from, CancellationToken stop)
    {
        ThroughLine = from - 1;
        var (batch, lastLine) = (new Batch(), ThroughLine);
        ExceptionDispatchInfo? broken = null;
        try
        {
            try
            {
                await foreach (var line in EventLines.ReadAsync(reader, from, stop))
                {
                    lastLine = line.Number;
                    batch.Add(line);
                    if (batch.Lines < MaxEvents && batch.Bytes < MaxBytes)
                        continue;

                    await SendAsync(batch, lastLine);
                    batch = new Batch();
                }
            }
            catch (Exception e) when (e is not UnavailableException)
            {
                // What came before is whole.
                broken = ExceptionDispatchInfo.Capture(e);
            }

            await SendAsync(batch, lastLine);
            await FinishAsync(0);
        }
        catch (UnavailableException)
        {
            return ImportEnd.Unavailable;
        }
        finally
        {
            // Whatever ended it: nothing of it goes on unseen.
            await Task.WhenAll(_underWay.Select(item => item.Recorded)).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        if (broken is null)
            return ImportEnd.Complete;
        if (broken.SourceException is OperationCanceledException && stop.IsCancellationRequested)
            return ImportEnd.Stopped;
        broken.Throw();
        throw broken.SourceException;
    }

    private async Task SendAsync(Batch batch, long lastLine)
    {
        if (batch.Lines == 0)
            return;

        await FinishAsync(MaxUnderWay - 1);
        _underWay.Enqueue((lastLine, RecordAsync(batch)));
    }

    /// <summary>Waits until no more commands than this are under way, and counts those that are done.</summary>
    private async Task FinishAsync(int left)
    {
        while (_underWay.TryPeek(out var next) && (_underWay.Count > left || next.Recorded.IsCompleted))
        {
            var (lastLine, recorded) = next;
            var batch = await recorded;
            _underWay.Dequeue();
            foreach (var refused in batch.Refused.OrderBy(refused => refused.Line))
                refuse(refused);
            Lines += batch.Lines;
            Accepted += batch.Accepted;
            Duplicates += batch.Duplicates;
            Refused += batch.Refused.Count;
            ThroughLine = lastLine;
        }
    }

    private async Task<Batch> RecordAsync(Batch batch)
    {
        await RecordAsync(batch, batch.Events);
        return batch;
    }

    /// <summary>Records events; those that are refused are taken out, and the others tried again.</summary>
    private async Task RecordAsync(Batch batch, IReadOnlyList<(long Line, IncomingEvent Event)> events)
    {
        var since = System.Diagnostics.Stopwatch.StartNew();
        for (var attempt = 1; events.Count > 0;)
        {
            RecordResult result;
            try
            {
                result = await record(new RecordEvents(account, workspaces, [.. events.Select(item => item.Event)]) { SendsRestAgain = true });
            }
            catch (Exception e) when (Failures.IsTransient(e))
            {
                result = new RecordResult.Busy();
            }
            catch (Exception) when (events.Count > 1)
            {
                // One of them cannot be stored; the others can.
                await RecordAsync(batch, [.. events.Take(events.Count / 2)]);
                await RecordAsync(batch, [.. events.Skip(events.Count / 2)]);
                return;
            }
            catch (Exception e)
            {
                LogFailure(logger, e, events[0].Line, events[0].Event.Id, account);
                batch.Refused.Add(RefusedLine.Of(events[0].Line, [new(0, events[0].Event.Id.ToString(), "", "could not be stored; the service's log says why")]));
                return;
            }

            switch (result)
            {
                case RecordResult.Stored stored:
                    var known = stored.Duplicates.Count(duplicate => duplicate);
                    batch.Accepted += events.Count - known;
                    batch.Duplicates += known;
                    return;
                case RecordResult.Conflicting conflicting:
                    events = Without(batch, events, conflicting.Problems);
                    break;
                case RecordResult.Forbidden forbidden:
                    events = Without(batch, events, forbidden.Problems);
                    break;
                case var _ when since.Elapsed > patience:
                    throw new UnavailableException();
                default:
                    await Task.Delay(BetweenAttempts.After(attempt++));
                    break;
            }
        }
    }

    private static List<(long Line, IncomingEvent Event)> Without(
        Batch batch, IReadOnlyList<(long Line, IncomingEvent Event)> events, IReadOnlyList<EventProblem> problems)
    {
        var bad = problems.GroupBy(problem => problem.Index).ToDictionary(group => group.Key);
        batch.Refused.AddRange(bad.Select(group => RefusedLine.Of(events[group.Key].Line, group.Value)));
        return [.. events.Where((_, index) => !bad.ContainsKey(index))];
    }

    [LoggerMessage(301, LogLevel.Error, "Line {Line}, event {Id} of account {Account}, cannot be stored")]
    private static partial void LogFailure(ILogger logger, Exception exception, long line, Guid id, Guid account);

    /// <summary>Lines that are recorded together, and what became of them.</summary>
    private sealed class Batch
    {
        public int Lines { get; private set; }

        public int Bytes { get; private set; }

        public List<(long Line, IncomingEvent Event)> Events { get; } = [];

        public List<RefusedLine> Refused { get; } = [];

        public int Accepted { get; set; }

        public int Duplicates { get; set; }

        public void Add(EventLine line)
        {
            Lines++;
            Bytes += line.Bytes;
            if (line.Event is { } incoming)
                Events.Add((line.Number, incoming));
            else
            {
                Telemetry.Rejected([], unread: 1);
                Refused.Add(RefusedLine.Of(line.Number, line.Problems));
            }
        }
    }

    private sealed class UnavailableException : Exception;
}
