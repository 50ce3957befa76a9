using System.Runtime.ExceptionServices;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Ingestion.Import;

/// <summary>A line whose event is not stored.</summary>
/// <param name="Line">The line's number, from 1.</param>
/// <param name="Id">The event's id as it was sent; absent when it has none.</param>
/// <param name="Errors">The errors by JSON path within the event; <c>$</c> is the event itself.</param>
internal sealed record RefusedLine(long Line, string? Id, IReadOnlyDictionary<string, string[]> Errors)
{
    public static RefusedLine Of(long line, IReadOnlyList<EventProblem> problems)
    {
        var told = ToldProblems.Of(problems, ToldProblems.LineBytes);
        var all = told.Rest is { } rest ? told.Named.Append(EventProblem.OfRequest(rest)) : told.Named;
        return new(
            line,
            problems.Select(problem => problem.EventId).FirstOrDefault(id => id is not null),
            all.GroupBy(problem => problem.Path.Length == 0 ? "$" : problem.Path, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).ToArray(), StringComparer.Ordinal));
    }
}

/// <summary>The end of an import. Unavailable: for too long the database did not answer, or other writers held the sessions.</summary>
internal enum ImportEnd
{
    Complete,
    Stopped,
    Unavailable,
}

/// <summary>
/// One import of events, one a line. A refused line does not affect the others. Several commands are recorded at a time.
/// They complete in the order of the lines, so that one number tells the progress. Owns its counts.
/// </summary>
internal sealed partial class EventImport(
    Func<RecordEvents, Task<RecordResult>> record, Guid account, IReadOnlyList<Guid> workspaces, string sender,
    TimeSpan maxWait, ILogger logger, Action<RefusedLine> refuse)
{
    // The writer commits some of them while the next are ready. Measured with 200,000 events: 4 commands of 250 events make 0.67
    // of this speed, of 500 events 0.88; 8 of 500 as much as this.
    private const int MaxCommands = 4;
    private const int MaxLinesPerCommand = CloudEventReader.MaxEvents;
    private const int MaxBytesPerCommand = 2 * 1024 * 1024;

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1_600));

    private readonly Queue<(Batch Batch, Task Recorded)> _recording = new();

    /// <summary>Lines read, except blank ones.</summary>
    public long Lines { get; private set; }

    public long Accepted { get; private set; }

    public long Duplicates { get; private set; }

    public long Refused { get; private set; }

    /// <summary>The last line up to which every line is stored or refused. Later lines may be stored too.</summary>
    public long ThroughLine { get; private set; }

    /// <summary>Imports lines, from one on, to the end. A stop ends the reading; lines that are read are recorded.</summary>
    /// <exception cref="IOException">The bytes cannot be read to their end.</exception>
    /// <exception cref="TimeoutException">None came for as long as <paramref name="idle"/>.</exception>
    public async Task<ImportEnd> RunAsync(PipeReader reader, long from, CancellationToken stop, TimeSpan? idle = null)
    {
        ThroughLine = from - 1;
        var batch = new Batch();
        ExceptionDispatchInfo? broken = null;
        try
        {
            try
            {
                await foreach (var line in EventLines.ReadAsync(reader, from, idle ?? Timeout.InfiniteTimeSpan, stop))
                {
                    batch.Add(line);
                    if (batch.Lines < MaxLinesPerCommand && batch.Bytes < MaxBytesPerCommand)
                        continue;

                    await SendAsync(batch);
                    batch = new Batch();
                }
            }
            catch (Exception e) when (e is not UnavailableException)
            {
                // The lines read so far are complete, so they are recorded first.
                broken = ExceptionDispatchInfo.Capture(e);
            }

            await SendAsync(batch);
            await FinishAsync(0);
        }
        catch (UnavailableException)
        {
            return ImportEnd.Unavailable;
        }
        finally
        {
            // However it ended, no command goes on unobserved.
            await Task.WhenAll(_recording.Select(item => item.Recorded)).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        if (broken is null)
            return ImportEnd.Complete;
        if (broken.SourceException is not OperationCanceledException || !stop.IsCancellationRequested)
            broken.Throw();
        return ImportEnd.Stopped;
    }

    private async Task SendAsync(Batch batch)
    {
        if (batch.Lines == 0)
            return;

        await FinishAsync(MaxCommands - 1);
        _recording.Enqueue((batch, RecordAsync(batch, batch.Events)));
    }

    /// <summary>Waits until at most <paramref name="left"/> commands are being recorded, and counts those that are done.</summary>
    private async Task FinishAsync(int left)
    {
        while (_recording.TryPeek(out var next) && (_recording.Count > left || next.Recorded.IsCompleted))
        {
            var (batch, recorded) = next;
            await recorded;
            _recording.Dequeue();
            foreach (var refused in batch.Refused.OrderBy(refused => refused.Line))
                refuse(refused);
            Lines += batch.Lines;
            Accepted += batch.Accepted;
            Duplicates += batch.Duplicates;
            Refused += batch.Refused.Count;
            ThroughLine = batch.LastLine;
        }
    }

    /// <summary>Records events. Refused ones are taken out and the others are tried again.</summary>
    private async Task RecordAsync(Batch batch, IReadOnlyList<(long Line, IncomingEvent Event)> events)
    {
        var waited = Stopwatch.StartNew();
        for (var attempt = 1; events.Count > 0;)
        {
            RecordResult result;
            try
            {
                result = await record(
                    new RecordEvents(account, workspaces, sender, [.. events.Select(item => item.Event)])
                    {
                        Bytes = batch.Bytes,
                        SendsRestAgain = true,
                    });
            }
            catch (Exception e) when (Failures.IsTransient(e))
            {
                result = new RecordResult.Busy();
            }
            catch (Exception) when (events.Count > 1)
            {
                // One of them cannot be stored. Halving finds it and stores the others.
                await RecordAsync(batch, [.. events.Take(events.Count / 2)]);
                await RecordAsync(batch, [.. events.Skip(events.Count / 2)]);
                return;
            }
            catch (Exception e)
            {
                var (line, id) = (events[0].Line, events[0].Event.Id);
                LogFailure(logger, e, line, id, account);
                batch.Refused.Add(RefusedLine.Of(line, [new(0, id.ToString(), "", "could not be stored; the service's log says why")]));
                return;
            }

            switch (result)
            {
                case RecordResult.Stored stored:
                    var known = stored.Duplicates.Count(duplicate => duplicate);
                    batch.Accepted += events.Count - known;
                    batch.Duplicates += known;
                    return;
                case RecordResult.Refused refused:
                    var bad = refused.Problems.GroupBy(problem => problem.Index).ToDictionary(group => group.Key);
                    batch.Refused.AddRange(bad.Select(group => RefusedLine.Of(events[group.Key].Line, [.. group.Value])));
                    events = [.. events.Where((_, index) => !bad.ContainsKey(index))];
                    break;
                case var _ when waited.Elapsed > maxWait:
                    throw new UnavailableException();
                default:
                    await Task.Delay(BetweenAttempts.After(attempt++));
                    break;
            }
        }
    }

    [LoggerMessage(301, LogLevel.Error, "Line {Line}, event {Id} of account {Account}, cannot be stored")]
    private static partial void LogFailure(ILogger logger, Exception exception, long line, Guid id, Guid account);

    /// <summary>Lines that are recorded as one command, and the counts of their outcomes.</summary>
    private sealed class Batch
    {
        public int Lines { get; private set; }

        public long LastLine { get; private set; }

        public int Bytes { get; private set; }

        public List<(long Line, IncomingEvent Event)> Events { get; } = [];

        public List<RefusedLine> Refused { get; } = [];

        public int Accepted { get; set; }

        public int Duplicates { get; set; }

        public void Add(EventLine line)
        {
            Lines++;
            LastLine = line.Number;
            Bytes += line.Bytes;
            if (line.Event is { } incoming)
            {
                Events.Add((line.Number, incoming));
                return;
            }

            Telemetry.Rejected([], unread: 1);
            Refused.Add(RefusedLine.Of(line.Number, line.Problems));
        }
    }

    private sealed class UnavailableException : Exception;
}
