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
            Body = new SessionBody(SessionResultFold.WithStatus(Head, Fold))
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
