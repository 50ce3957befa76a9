using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// A session during a fold: read from its document, changed by each event, written as the next document.
/// One call of <see cref="SessionResultFold.Fold"/> owns it, so it may change in place.
/// </summary>
internal sealed class SessionDraft
{
    private readonly Dictionary<Guid, TaskDraft> _tasks = [];
    private readonly Dictionary<Guid, (TaskGroupBody Body, TaskGroupFold Fold)> _groups = [];

    /// <summary>The body without tasks and task groups.</summary>
    public required SessionHead Head { get; set; }

    /// <summary>The state beside the body. Its tasks and task groups are those before the fold.</summary>
    public required SessionFold Fold { get; set; }

    public static SessionDraft FromDocument(Guid id, SessionResult? document)
    {
        if (document is null)
            return new SessionDraft { Head = new SessionHead { SessionId = id }, Fold = new SessionFold() };

        var draft = new SessionDraft { Head = document.Body, Fold = document.Fold };
        var bodies = document.Body.Tasks.ToDictionary(task => task.Uuid);
        foreach (var fold in document.Fold.Tasks)
            draft._tasks.Add(fold.Id, TaskDraft.FromDocument(fold, bodies.GetValueOrDefault(fold.Id)));
        foreach (var (body, fold) in document.Body.TaskGroups.Zip(document.Fold.TaskGroups))
            draft._groups.Add(fold.Id, (body, fold));
        return draft;
    }

    public TaskDraft Task(Guid id)
    {
        if (!_tasks.TryGetValue(id, out var task))
            _tasks.Add(id, task = new TaskDraft(new TaskFold(id)));
        return task;
    }

    public void SettleGroup(EventOrder stamp, TaskGroupBody body, QxScore? qx = null)
    {
        if (!_groups.TryGetValue(body.Uuid, out var held) || stamp.IsAfter(held.Fold.Settled))
            _groups[body.Uuid] = (body, new TaskGroupFold(body.Uuid, stamp) { Qx = qx });
    }

    public SessionResult ToDocument()
    {
        var tasks = _tasks.Values.OrderBy(task => task.Id).ToList();
        var shown = tasks.Where(task => task.Settled is not null)
            .OrderBy(task => task.Position).ThenBy(task => task.StartTimeMs).ThenBy(task => task.Id);
        var groups = _groups.Values.OrderBy(group => group.Body.Uuid).ToList();
        return new SessionResult
        {
            Id = Head.SessionId,
            Body = new SessionBody(Head)
            {
                TaskGroups = [.. groups.Select(group => group.Body)],
                Tasks = [.. shown.Select(task => task.Show())],
            },
            Fold = Fold with
            {
                Tasks = [.. tasks.Select(task => task.ToDocument())],
                TaskGroups = [.. groups.Select(group => group.Fold)],
            },
        };
    }
}

/// <summary>A task of a <see cref="SessionDraft"/>.</summary>
internal sealed class TaskDraft(TaskFold fold)
{
    private TaskFold _fold = fold;
    private string _text = "";
    private long _endTimeMs;
    private JsonElement? _payload;
    private FigmaRun? _figma;
    private bool _piecesChanged;

    public Guid Id => _fold.Id;

    public EventOrder? Settled => _fold.Settled;

    public int Position => _fold.Position;

    public long StartTimeMs { get; private set; }

    private TaskType? KnownType => _fold.Type is null ? null : TaskType.Find(_fold.Type);

    public static TaskDraft FromDocument(TaskFold fold, TaskBody? body)
    {
        var payload = body?.Response?.Answer?.Payload;
        return new TaskDraft(fold)
        {
            _text = body?.Text ?? "",
            StartTimeMs = body?.Response?.StartTimeMs ?? 0,
            _endTimeMs = body?.Response?.EndTimeMs ?? 0,
            _payload = payload,
            _figma = fold.Figma is null ? null : FigmaRun.FromDocument(fold.Figma, payload),
        };
    }

    public void Answer(EventOrder stamp, TaskAnswered e)
    {
        if (!stamp.IsAfter(Settled))
            return;

        _fold = _fold with { Settled = stamp, Type = e.Answer.Type, Reason = null, Position = e.Position };
        (_text, StartTimeMs, _endTimeMs) = (e.Text, e.StartTimeMs, e.EndTimeMs);
        _payload = KnownType?.Show(e.Answer);
        _piecesChanged = true;
    }

    public void Skip(EventOrder stamp, TaskSkipped e)
    {
        if (!stamp.IsAfter(Settled))
            return;

        _fold = _fold with { Settled = stamp, Type = e.TaskType, Reason = e.Reason, Position = e.Position };
        (_text, StartTimeMs, _endTimeMs) = (e.Text, e.StartTimeMs, e.EndTimeMs);
        _payload = null;
    }

    public void Transcribe(TranscriptPiece transcript)
    {
        if (!transcript.Stamp.IsAfter(_fold.Transcript?.Stamp))
            return;

        _fold = _fold with { Transcript = transcript };
        _piecesChanged = true;
    }

    public void Interact(EventOrder stamp, FigmaInteractionRecorded e)
    {
        _figma ??= new FigmaRun();
        _figma.Add(stamp.By, e);
        _piecesChanged = true;
    }

    /// <summary>The task as v3 shows it.</summary>
    public TaskBody Show()
    {
        if (_piecesChanged && _payload is { } payload)
            _payload = KnownType!.Complete(payload, new TaskPieces(_fold.Transcript, _figma));

        var answer = _payload is { } shown ? new TaskAnswer(KnownType!.V3Key, shown) : null;
        return new TaskBody(
            Id,
            _text,
            KnownType?.V3Type ?? TaskType.Unrecognized,
            new TaskResponse(StartTimeMs, _endTimeMs, _fold.Reason is not null, answer));
    }

    /// <summary>The task's state beside the body. Interactions that the body shows are not stored twice.</summary>
    public TaskFold ToDocument()
    {
        var showsFigma = _payload is not null && KnownType == Figma.TaskType;
        return _fold with { Figma = _figma?.ToDocument(showsFigma) };
    }
}
