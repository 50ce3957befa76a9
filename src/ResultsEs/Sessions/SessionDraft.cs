using System.Text.Json;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// A session while a fold works on it: thawed from its document, changed by each event, frozen into the next document.
/// Owned by one call of <see cref="SessionResultFold.Fold"/> and never shared, so it may change in place.
/// </summary>
internal sealed class SessionDraft
{
    private readonly Dictionary<Guid, TaskDraft> _tasks = [];
    private readonly Dictionary<Guid, TaskGroupDraft> _groups = [];

    public required SessionHead Head { get; set; }

    public EventOrder? Started { get; set; }

    public EventOrder? Profiled { get; set; }

    public EventOrder? Ended { get; set; }

    public EventOrder? Transcribed { get; set; }

    public SessionMedia? Media { get; set; }

    public static SessionDraft FromDocument(Guid id, SessionResult? document)
    {
        if (document is null)
            return new SessionDraft { Head = new SessionHead { SessionId = id } };

        var draft = new SessionDraft
        {
            Head = document.Body,
            Started = document.Fold.Started,
            Profiled = document.Fold.Profiled,
            Ended = document.Fold.Ended,
            Transcribed = document.Fold.Transcribed,
            Media = document.Fold.Media,
        };
        var bodies = document.Body.Tasks.ToDictionary(task => task.Uuid);
        foreach (var fold in document.Fold.Tasks)
            draft._tasks.Add(fold.Id, TaskDraft.FromDocument(fold, bodies.GetValueOrDefault(fold.Id)));
        foreach (var (body, fold) in document.Body.TaskGroups.Zip(document.Fold.TaskGroups))
            draft._groups.Add(fold.Id, new TaskGroupDraft { Body = body, Fold = fold });
        return draft;
    }

    public TaskDraft Task(Guid id)
    {
        if (!_tasks.TryGetValue(id, out var task))
            _tasks.Add(id, task = new TaskDraft { Id = id });
        return task;
    }

    public void SettleGroup(EventOrder stamp, TaskGroupBody body, QxScore? qx = null)
    {
        if (!_groups.TryGetValue(body.Uuid, out var held) || stamp.IsAfter(held.Fold.Settled))
            _groups[body.Uuid] = new TaskGroupDraft { Body = body, Fold = new TaskGroupFold(body.Uuid, stamp) { Qx = qx } };
    }

    public SessionResult ToDocument()
    {
        var tasks = _tasks.Values.OrderBy(task => task.Id).ToList();
        var groups = _groups.Values.OrderBy(group => group.Body.Uuid).ToList();
        return new SessionResult
        {
            Id = Head.SessionId,
            Body = new SessionBody(Head)
            {
                TaskGroups = [.. groups.Select(group => group.Body)],
                Tasks =
                [
                    .. tasks.Where(task => task.Settled is not null)
                        .OrderBy(task => task.Position).ThenBy(task => task.StartTimeMs).ThenBy(task => task.Id)
                        .Select(task => task.Show()),
                ],
            },
            Fold = new SessionFold
            {
                Started = Started,
                Profiled = Profiled,
                Ended = Ended,
                Transcribed = Transcribed,
                Media = Media,
                Tasks = [.. tasks.Select(task => task.ToDocument())],
                TaskGroups = [.. groups.Select(group => group.Fold)],
            },
        };
    }

    private sealed class TaskGroupDraft
    {
        public required TaskGroupBody Body { get; init; }

        public required TaskGroupFold Fold { get; init; }
    }
}

/// <summary>A task of a <see cref="SessionDraft"/>.</summary>
internal sealed class TaskDraft
{
    private bool _piecesChanged;

    public required Guid Id { get; init; }

    public EventOrder? Settled { get; private set; }

    public int Position { get; private set; }

    public long StartTimeMs { get; private set; }

    private string? Type { get; set; }

    private SkipReason? Reason { get; set; }

    private string Text { get; set; } = "";

    private long EndTimeMs { get; set; }

    private JsonElement? Payload { get; set; }

    private TranscriptPiece? Transcript { get; set; }

    private FigmaRun? Figma { get; set; }

    private TaskType? KnownType => Type is null ? null : TaskType.Find(Type);

    /// <summary>Whether the body shows the interactions, so that the fold need not hold them a second time.</summary>
    private bool ShowsFigma => Payload is not null && KnownType == TaskTypes.Figma.TaskType;

    public static TaskDraft FromDocument(TaskFold fold, TaskBody? body)
    {
        var payload = body?.Response?.Answer?.Payload;
        return new TaskDraft
        {
            Id = fold.Id,
            Settled = fold.Settled,
            Type = fold.Type,
            Position = fold.Position,
            Reason = fold.Reason,
            Text = body?.Text ?? "",
            StartTimeMs = body?.Response?.StartTimeMs ?? 0,
            EndTimeMs = body?.Response?.EndTimeMs ?? 0,
            Payload = payload,
            Transcript = fold.Transcript,
            Figma = fold.Figma is null ? null : FigmaRun.FromDocument(fold.Figma, payload),
        };
    }

    public void Answer(EventOrder stamp, TaskAnswered e)
    {
        if (!stamp.IsAfter(Settled))
            return;

        (Settled, Type, Reason) = (stamp, e.Answer.Type, null);
        (Position, Text, StartTimeMs, EndTimeMs) = (e.Position, e.Text, e.StartTimeMs, e.EndTimeMs);
        Payload = KnownType?.Show(e.Answer);
        _piecesChanged = true;
    }

    public void Skip(EventOrder stamp, TaskSkipped e)
    {
        if (!stamp.IsAfter(Settled))
            return;

        (Settled, Type, Reason) = (stamp, e.TaskType, e.Reason);
        (Position, Text, StartTimeMs, EndTimeMs) = (e.Position, e.Text, e.StartTimeMs, e.EndTimeMs);
        Payload = null;
    }

    public void Transcribe(TranscriptPiece transcript)
    {
        if (!transcript.Stamp.IsAfter(Transcript?.Stamp))
            return;

        Transcript = transcript;
        _piecesChanged = true;
    }

    public void Interact(EventOrder stamp, FigmaInteractionRecorded e)
    {
        Figma ??= new FigmaRun();
        Figma.Add(stamp.By, e);
        _piecesChanged = true;
    }

    /// <summary>The task as v3 shows it.</summary>
    public TaskBody Show()
    {
        if (_piecesChanged && Payload is { } payload)
            Payload = KnownType!.Complete(payload, new TaskPieces(Transcript, Figma));

        var answer = Payload is { } shown ? new TaskAnswer(KnownType!.V3Key, shown) : null;
        return new TaskBody(
            Id,
            Text,
            KnownType?.V3Type ?? TaskType.Unrecognized,
            new TaskResponse(StartTimeMs, EndTimeMs, Reason is not null, answer));
    }

    /// <summary>What is stored beside that.</summary>
    public TaskFold ToDocument() => new(Id)
    {
        Settled = Settled,
        Type = Type,
        Position = Position,
        Reason = Reason,
        Transcript = Transcript,
        Figma = Figma?.ToDocument(ShowsFigma),
    };
}
