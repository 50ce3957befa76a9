using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// A task of a <see cref="SessionDraft"/>. A participant may do a task several times. The latest answer or skip is shown, with the
/// transcript and the interactions of the same take.
/// </summary>
internal sealed class TaskDraft(TaskFold fold)
{
    /// <summary>The most answers and skips of a task that its takes are told from: the latest.</summary>
    private const int MaxSettled = 32;

    /// <summary>The most answers of which transcripts are kept: those with the latest.</summary>
    private const int MaxTranscripts = 4;

    private TaskFold _fold = fold;
    private string _text = "";
    private long _endTimeMs;

    // The answer as it was sent, and as it is shown.
    private JsonElement? _answer;
    private JsonElement? _payload;
    private FigmaRun? _figma;
    private bool _hasChanged;

    public Guid Id => _fold.Id;

    public EventOrder? Settled => _fold.Settled?.Order;

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
            _answer = fold.Answer ?? payload,
            _payload = payload,
            _figma = fold.Figma is null ? null : FigmaRun.FromDocument(fold.Figma, payload),
        };
    }

    public void Answer(EventOrder stamp, TaskAnswered e)
    {
        if (!IsLatest(new Settled(stamp, e.Corrects is not null)))
            return;

        _fold = _fold with { Type = e.Answer.Type, Reason = null, Position = e.Position };
        (_text, StartTimeMs, _endTimeMs) = (e.Text, e.StartTimeMs, e.EndTimeMs);
        _answer = _payload = KnownType?.Show(e.Answer);
    }

    public void Skip(EventOrder stamp, TaskSkipped e)
    {
        if (!IsLatest(new Settled(stamp, IsCorrection: false)))
            return;

        _fold = _fold with { Type = e.TaskType, Reason = e.Reason, Position = e.Position };
        (_text, StartTimeMs, _endTimeMs) = (e.Text, e.StartTimeMs, e.EndTimeMs);
        _answer = _payload = null;
    }

    public void Transcribe(TranscriptPiece transcript)
    {
        // Of each answer the latest; one that does not say of which it is counts by its time.
        var others = _fold.Transcripts ?? [];
        if (others.FirstOrDefault(other => other.AnswerId == transcript.AnswerId) is { } same && !transcript.Stamp.IsAfter(same.Stamp))
            return;

        _fold = _fold with
        {
            Transcripts =
            [
                .. others.Where(other => other.AnswerId != transcript.AnswerId).Append(transcript)
                    .OrderBy(one => one.Stamp.Key).TakeLast(MaxTranscripts),
            ],
        };
        _hasChanged = true;
    }

    public void Interact(EventOrder stamp, FigmaInteractionRecorded e)
    {
        _figma ??= new FigmaRun();
        _figma.Add(stamp, e);
        _hasChanged = true;
    }

    /// <summary>The task as v3 shows it.</summary>
    public TaskBody Show()
    {
        if (_hasChanged && _answer is { } sent)
        {
            var take = Take.ShownOf(_fold);
            _payload = KnownType!.Complete(sent, new TaskPieces(TranscriptOf(take), _figma?.Show(take.Previous)));
        }

        var answer = _payload is { } shown ? new TaskAnswer(KnownType!.V3Key, shown) : null;
        return new TaskBody(
            Id,
            _text,
            KnownType?.V3Type ?? TaskType.Unrecognized,
            new TaskResponse(StartTimeMs, _endTimeMs, _fold.Reason is not null, answer));
    }

    /// <summary>The task's state beside the body, once it was shown. What the body shows is not stored twice.</summary>
    public TaskFold ToDocument() => _fold with
    {
        Answer = _fold.Transcripts is not null && KnownType == Verbal.TaskType ? _answer : null,
        Figma = _figma?.ToDocument(Take.ShownOf(_fold).Previous, shown: _payload is not null && KnownType == Figma.TaskType),
    };

    /// <summary>Notes an answer or skip. True when it is the latest.</summary>
    private bool IsLatest(Settled settled)
    {
        _hasChanged = true;
        var isLatest = settled.Order.IsAfter(Settled);
        var earlier = isLatest ? _fold.Settled : settled;
        if (isLatest)
            _fold = _fold with { Settled = settled };
        if (earlier is not null)
        {
            var all = (_fold.Earlier ?? []).Append(earlier).OrderBy(one => one.Order.Key);
            _fold = _fold with { Earlier = [.. all.TakeLast(MaxSettled - 1)] };
        }

        return isLatest;
    }

    /// <summary>The latest transcript of a take. One that does not say of which answer it is belongs to the answer before it.</summary>
    private TranscriptPiece? TranscriptOf(Take take) => _fold.Transcripts?.LastOrDefault(transcript => transcript.AnswerId is { } answer
        ? take.Ids.Contains(answer)
        : take.Previous is null || transcript.Stamp.IsAfter(take.First));
}
