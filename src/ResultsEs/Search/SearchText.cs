using System.Buffers.Binary;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Search;

/// <summary>The kind of a text that is searched.</summary>
[JsonConverter(typeof(WireEnumConverter<SearchKind>))]
public enum SearchKind
{
    /// <summary><c>WRITTEN</c>: a written answer.</summary>
    Written,

    /// <summary><c>VERBAL</c>: the transcript of a spoken answer.</summary>
    Verbal,

    /// <summary><c>IMAGE</c>: the comment of an annotation of an image.</summary>
    Image,

    /// <summary><c>TRANSCRIPT</c>: the transcript of a session.</summary>
    Transcript,
}

/// <summary>
/// A passage of a session's texts: a whole text, or a part of a long one. What a person said in it is all that is searched.
/// </summary>
/// <param name="TaskId">The task; null in the transcript of a session.</param>
/// <param name="Kind">The kind of the text.</param>
/// <param name="Language">The configuration of PostgreSQL's text search for its language.</param>
/// <param name="At">When it was said: the session's start and <paramref name="StartMs"/>.</param>
/// <param name="StartMs">Milliseconds since the session's start: of the task, or of the passage where it is timed.</param>
/// <param name="Text">The text.</param>
internal sealed record SearchText(Guid? TaskId, SearchKind Kind, string Language, DateTimeOffset At, long StartMs, string Text)
{
    /// <summary>The most characters of a passage.</summary>
    public const int MaxCharacters = 4_000;

    // What marks hits in an excerpt must not be in a text. A blank in their place keeps its length.
    private static readonly SearchValues<char> Marks = SearchValues.Create([Excerpt.Begin, Excerpt.End]);

    /// <summary>True when there is nothing to find in it: no letter, or what an erasure left.</summary>
    public bool IsEmpty => string.IsNullOrWhiteSpace(Text) || Text == Masking.Text;

    /// <summary>The texts of a session: of its document, and of its transcript where it has one.</summary>
    public static IReadOnlyList<SearchText> Of(SessionResult session, SessionTranscribed? transcript)
    {
        if (session.Body.StartTime is not { } start)
            return [];

        // What is written and drawn is taken to be in the language that is spoken, where that is known.
        var spoken = transcript?.Language ?? session.Body.Tasks.Select(LanguageOf).FirstOrDefault(language => language is not null);
        var kinds = session.Fold.Tasks.ToDictionary(task => task.Id, task => task.Type);
        return
        [
            .. session.Body.Tasks.SelectMany(task => OfTask(task, kinds.GetValueOrDefault(task.Uuid), spoken, start)),
            .. transcript is null
                ? []
                : Passages(transcript.Cues.OrderBy(cue => cue.StartMs).Select(cue => (cue.StartMs, cue.Text)))
                    .Select(passage => Make(null, SearchKind.Transcript, transcript.Language, start, passage.StartMs, passage.Text)),
        ];
    }

    /// <summary>The key of a passage of a session: a digest of all that is stored of it, so that what is the same stays.</summary>
    public Guid Part(Guid workspace, Guid test)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[16 + 16 + 16 + 4 + 8 + 8];
        workspace.TryWriteBytes(head);
        test.TryWriteBytes(head[16..]);
        (TaskId ?? Guid.Empty).TryWriteBytes(head[32..]);
        BinaryPrimitives.WriteInt32LittleEndian(head[48..], (int)Kind);
        BinaryPrimitives.WriteInt64LittleEndian(head[52..], At.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(head[60..], StartMs);
        hash.AppendData(head);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Language} {Text}"));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return new Guid(digest[..16]);
    }

    private static IEnumerable<SearchText> OfTask(TaskBody task, string? type, string? spoken, DateTimeOffset start)
    {
        if (task.Response is not { Answer: { } answer } response)
            return [];

        if (answer.Key == Image.TaskType.V3Key)
            return answer.Payload.Deserialize(Json.Of<ImagePayload>())!.Annotations
                .SelectMany(annotation => Passages([(response.EndTimeMs, annotation.Comment ?? "")]))
                .Select(passage => Make(task.Uuid, SearchKind.Image, spoken, start, passage.StartMs, passage.Text));
        if (answer.Key != Written.TaskType.V3Key)
            return [];

        var payload = answer.Payload.Deserialize(Json.Of<VerbalPayload>())!;
        var kind = type == Verbal.TaskType.Name ? SearchKind.Verbal : SearchKind.Written;
        var pieces = payload.Cues is { Count: > 0 } cues
            ? cues.Select(cue => (cue.StartMs, cue.Text))
            : [(response.EndTimeMs, payload.Text ?? "")];
        return Passages(pieces)
            .Select(passage => Make(task.Uuid, kind, payload.Language ?? spoken, start, passage.StartMs, passage.Text));
    }

    private static string? LanguageOf(TaskBody task) =>
        task.Response?.Answer is { } answer && answer.Key == Written.TaskType.V3Key
            && answer.Payload.TryGetProperty("language", out var language) && language.ValueKind == JsonValueKind.String
            ? language.GetString()
            : null;

    /// <summary>Puts timed pieces together, and takes apart what is long, at blanks where there are some.</summary>
    private static IEnumerable<(long StartMs, string Text)> Passages(IEnumerable<(long StartMs, string Text)> pieces)
    {
        var (begin, text) = (0L, new StringBuilder());
        foreach (var (startMs, piece) in pieces)
        {
            if (text.Length > 0 && text.Length + piece.Length >= MaxCharacters)
            {
                yield return (begin, text.ToString());
                text.Clear();
            }

            if (text.Length == 0)
                begin = startMs;
            else
                text.Append(' ');
            text.Append(piece);
            while (text.Length > MaxCharacters)
            {
                var cut = CutOf(text);
                yield return (begin, text.ToString(0, cut));
                text.Remove(0, cut);
                begin = startMs;
            }
        }

        if (text.Length > 0)
            yield return (begin, text.ToString());
    }

    /// <summary>Where a long text is cut: at its last blank in reach, and never within a character.</summary>
    private static int CutOf(StringBuilder text)
    {
        for (var at = MaxCharacters; at > MaxCharacters / 2; at--)
        {
            if (char.IsWhiteSpace(text[at - 1]))
                return at;
        }

        return char.IsLowSurrogate(text[MaxCharacters]) ? MaxCharacters - 1 : MaxCharacters;
    }

    private static SearchText Make(Guid? task, SearchKind kind, string? language, DateTimeOffset start, long ms, string text)
    {
        var at = start.AddMilliseconds(Math.Clamp(ms, 0, (long)TimeSpan.FromDays(366).TotalMilliseconds));
        var said = text.AsSpan().ContainsAny(Marks) ? text.Replace(Excerpt.Begin, ' ').Replace(Excerpt.End, ' ') : text;
        return new SearchText(task, kind, SearchLanguage.Of(language), at, ms, said);
    }
}
