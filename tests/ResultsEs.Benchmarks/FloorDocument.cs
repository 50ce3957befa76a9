using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>An event of <see cref="Sessions"/>, as a floor reads it.</summary>
internal sealed record FloorEvent(Guid Id, Guid Session, string Type, string Source, DateTime Time, byte[] Data)
{
    private static readonly string[] Types = ["results.TaskAnswered.v1", "results.SessionStarted.v1", "results.ParticipantProfiled.v1", "results.TaskSkipped.v1", "results.TaskGroupScored.v1", "results.SessionCompleted.v1"];

    /// <summary>Reads a CloudEvent; throws <see cref="JsonException"/> or <see cref="FormatException"/> when it is none.</summary>
    public static FloorEvent Read(ReadOnlySpan<byte> json)
    {
        Guid id = default, session = default;
        string? type = null, source = null;
        DateTime time = default;
        byte[] data = [];
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("data"u8))
            {
                data = FloorSession.Raw(json, ref reader).ToArray();
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = reader.GetGuid();
            }
            else if (reader.ValueTextEquals("subject"u8))
            {
                reader.Read();
                session = reader.GetGuid();
            }
            else if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                type = TypeOf(ref reader);
            }
            else if (reader.ValueTextEquals("source"u8))
            {
                reader.Read();
                source = reader.GetString();
            }
            else if (reader.ValueTextEquals("time"u8))
            {
                reader.Read();
                time = reader.GetDateTimeOffset().UtcDateTime;
            }
            else
            {
                reader.Skip();
            }
        }

        return type is null || source is null ? throw new FormatException("It is no event of a session.") : new FloorEvent(id, session, type, source, time, data);
    }

    private static string? TypeOf(ref Utf8JsonReader reader)
    {
        foreach (var type in Types)
        {
            if (reader.ValueTextEquals(type))
                return type;
        }

        return null;
    }

    /// <summary>What is kept beside the data, as the service keeps it.</summary>
    public byte[] Headers { get; } = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"time":"{{Time:O}}","source":{{JsonSerializer.Serialize(Source)}}}"""));
}

/// <summary>
/// The document of one of <see cref="Sessions"/>, to which one event after the other is added: parts that an event does not change are copied as they are. The events may come in any order;
/// other events than those of <see cref="Sessions"/> are lost. Used again for the next document.
/// </summary>
internal sealed class FloorDocument
{
    private const int Workspace = 0, Test = 1, Product = 2, Status = 3, Start = 4, Finish = 5, Audience = 6, Plan = 7, Participant = 8, Groups = 9, Tasks = 10;
    private const int Started = 0, Profiled = 1, Ended = 2, Scored = 3, Settled = 4;

    private static readonly byte[][] BodyNames = Names("workspaceId", "testId", "productType", "status", "startTime", "finishTime", "audienceId", "testPlanId", "sessionParticipant", "taskGroups", "tasks");
    private static readonly byte[][] FoldNames = Names("started", "profiled", "ended", "scored", "tasks");

    // In their order, in which the document names them.
    private static readonly string[] TaskTypeNames = ["BLANK", "FIGMA", "IMAGE", "MATRIX", "MULTIPLE_CHOICE", "NPS", "RANK_ORDER", "RATING_SCALE", "SKIPPED", "URL", "VERBAL", "WRITTEN"];

    private static readonly JsonWriterOptions Writing = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly ArrayBufferWriter<byte> _bytes = new(16 * 1024);
    private readonly Utf8JsonWriter _json;
    private readonly ReadOnlyMemory<byte>[] _body = new ReadOnlyMemory<byte>[BodyNames.Length];
    private readonly ReadOnlyMemory<byte>[] _fold = new ReadOnlyMemory<byte>[FoldNames.Length];
    private readonly List<ReadOnlyMemory<byte>> _tasks = [];
    private readonly List<ReadOnlyMemory<byte>> _settled = [];

    public FloorDocument() => _json = new Utf8JsonWriter(_bytes, Writing);

    /// <summary>The document; until the next event.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.WrittenMemory;

    public Guid? WorkspaceId { get; private set; }

    public Guid? TestId { get; private set; }

    public Guid? AudienceId { get; private set; }

    public DateTime? StartTime { get; private set; }

    public DateTime? FinishTime { get; private set; }

    public string StatusName => FinishTime is null ? "InProgress" : "Complete";

    public string TaskTypes { get; private set; } = "";

    /// <summary>Adds an event to a document as it is stored, which is empty before the first.</summary>
    public void Add(byte[] document, FloorEvent added)
    {
        Read(document);
        FloorTask? task = null;
        switch (added.Type)
        {
            case "results.TaskAnswered.v1":
            case "results.TaskSkipped.v1":
                task = FloorTask.Read(added.Data, added.Id, new DateTimeOffset(added.Time));
                break;
            case "results.SessionStarted.v1" when IsLater(added, Started):
                Begin(added.Data);
                break;
            case "results.ParticipantProfiled.v1" when IsLater(added, Profiled):
                Profile(added.Data);
                break;
            case "results.TaskGroupScored.v1" when IsLater(added, Scored):
                Score(added.Data);
                break;
            case "results.SessionCompleted.v1" when IsLater(added, Ended):
                End(added.Data);
                break;
        }

        (WorkspaceId, TestId, AudienceId) = (IdOf(_body[Workspace]), IdOf(_body[Test]), IdOf(_body[Audience]));
        (StartTime, FinishTime) = (TimeOf(_body[Start]), TimeOf(_body[Finish]));
        Write(added.Session, task);
    }

    private void Read(ReadOnlyMemory<byte> document)
    {
        Array.Clear(_body);
        Array.Clear(_fold);
        _tasks.Clear();
        _settled.Clear();
        _body[Status] = "\"IN_PROGRESS\""u8.ToArray();
        if (document.IsEmpty)
            return;

        var reader = new Utf8JsonReader(document.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("body"u8))
                ReadParts(ref reader, document, BodyNames, _body, Tasks, _tasks);
            else if (reader.ValueTextEquals("fold"u8))
                ReadParts(ref reader, document, FoldNames, _fold, Settled, _settled);
            else
                reader.Skip();
        }
    }

    private static void ReadParts(ref Utf8JsonReader reader, ReadOnlyMemory<byte> document, byte[][] names, ReadOnlyMemory<byte>[] parts, int list, List<ReadOnlyMemory<byte>> items)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var part = 0;
            while (part < names.Length && !reader.ValueTextEquals(names[part]))
                part++;
            reader.Read();
            if (part == list)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Value(ref reader, document));
            }
            else if (part < names.Length)
            {
                parts[part] = Value(ref reader, document);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static ReadOnlyMemory<byte> Value(ref Utf8JsonReader reader, ReadOnlyMemory<byte> document)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return document[start..(int)reader.BytesConsumed];
    }

    private bool IsLater(FloorEvent added, int part)
    {
        if (!_fold[part].IsEmpty && (added.Time, added.Id).CompareTo(StampOf(_fold[part].Span)) <= 0)
            return false;

        _fold[part] = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"at":"{{added.Time:O}}","by":"{{added.Id}}"}"""));
        return true;
    }

    private static (DateTime At, Guid By) StampOf(ReadOnlySpan<byte> stamp)
    {
        var reader = new Utf8JsonReader(stamp);
        reader.Read();
        return StampOf(ref reader);
    }

    /// <summary>The stamp at whose beginning the reader stands; at its end then.</summary>
    private static (DateTime At, Guid By) StampOf(ref Utf8JsonReader reader)
    {
        DateTime at = default;
        Guid by = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTime = reader.ValueTextEquals("at"u8);
            reader.Read();
            if (isTime)
                at = reader.GetDateTimeOffset().UtcDateTime;
            else
                by = reader.GetGuid();
        }

        return (at, by);
    }

    private void Begin(ReadOnlyMemory<byte> data)
    {
        var reader = new Utf8JsonReader(data.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTime = reader.ValueTextEquals("startedAt"u8);
            var part = 0;
            while (part < BodyNames.Length && !reader.ValueTextEquals(BodyNames[part]))
                part++;
            reader.Read();
            if (isTime)
                _body[Start] = Milliseconds(reader.GetDateTimeOffset());
            else if (part < BodyNames.Length)
                _body[part] = Value(ref reader, data);
            else
                reader.Skip();
        }
    }

    private void End(ReadOnlySpan<byte> data)
    {
        _body[Status] = "\"COMPLETE\""u8.ToArray();
        var reader = new Utf8JsonReader(data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTime = reader.ValueTextEquals("finishedAt"u8);
            reader.Read();
            if (isTime)
                _body[Finish] = Milliseconds(reader.GetDateTimeOffset());
            else
                reader.Skip();
        }
    }

    private void Profile(ReadOnlySpan<byte> data) => _body[Participant] = Made(data, static (json, data) =>
    {
        var reader = new Utf8JsonReader(data);
        reader.Read();
        json.WriteStartObject();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            json.WritePropertyName(reader.ValueTextEquals("demographics"u8) ? "demographicsInfo"u8 : "participantId"u8);
            json.WriteRawValue(FloorSession.Raw(data, ref reader), skipInputValidation: true);
        }

        json.WriteEndObject();
    });

    private void Score(ReadOnlySpan<byte> data) => _body[Groups] = Made(data, static (json, data) =>
    {
        ReadOnlySpan<byte> id = default, score = default;
        var reader = new Utf8JsonReader(data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("taskGroupId"u8))
                id = FloorSession.Raw(data, ref reader);
            else if (reader.ValueTextEquals("score"u8))
                score = FloorSession.Raw(data, ref reader);
            else
                reader.Skip();
        }

        json.WriteStartArray();
        json.WriteStartObject();
        json.WritePropertyName("uuid"u8);
        json.WriteRawValue(id, skipInputValidation: true);
        json.WriteString("type"u8, "QX_SCORE"u8);
        json.WriteStartObject("response"u8);
        json.WritePropertyName("score"u8);
        json.WriteRawValue(score, skipInputValidation: true);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    });

    private byte[] Made(ReadOnlySpan<byte> data, WriteFrom write)
    {
        _bytes.ResetWrittenCount();
        _json.Reset(_bytes);
        write(_json, data);
        _json.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    private void Write(Guid session, FloorTask? task)
    {
        var (place, types) = Settle(ref task);
        if (task is not null)
            types |= Bit(task.Type) | (task.Reason is null ? 0 : Bit("SKIPPED"));
        TaskTypes = types == 0 ? "" : $"|{string.Join('|', TaskTypeNames.Where((_, bit) => (types & (1 << bit)) != 0))}|";

        _bytes.ResetWrittenCount();
        _json.Reset(_bytes);
        _json.WriteStartObject();
        _json.WriteString("id"u8, session);
        _json.WriteStartObject("body"u8);
        _json.WriteString("sessionId"u8, session);
        WriteParts(BodyNames, _body);
        _json.WriteStartArray("tasks"u8);
        WriteItems(_tasks, 0, place);
        task?.WriteBody(_json);
        WriteItems(_tasks, place, _tasks.Count);
        _json.WriteEndArray();
        _json.WriteEndObject();

        _json.WriteStartObject("fold"u8);
        WriteParts(FoldNames, _fold);
        _json.WriteStartArray("tasks"u8);
        WriteItems(_settled, 0, place);
        if (task is not null)
            WriteSettled(task);
        WriteItems(_settled, place, _settled.Count);
        _json.WriteEndArray();
        _json.WriteEndObject();
        if ((FinishTime ?? StartTime) is { } listed)
            _json.WriteString("listedAt"u8, listed);
        _json.WriteString("taskTypes"u8, TaskTypes);
        _json.WriteEndObject();
        _json.Flush();
    }

    /// <summary>Finds the place of a task among the others, whose types it tells; takes out what it replaces, or drops it when what is there is later.</summary>
    private (int Place, int Types) Settle(ref FloorTask? task)
    {
        var (place, types, replaced) = (0, 0, -1);
        for (var i = 0; i < _settled.Count; i++)
        {
            var held = SettledTask.Read(_settled[i].Span);
            if (task is not null && held.Id == task.Id)
            {
                if ((task.At.UtcDateTime, task.By).CompareTo((held.At, held.By)) > 0)
                {
                    replaced = i;
                    continue;
                }

                task = null;
            }

            types |= Bit(held.Type) | (held.IsSkipped ? Bit("SKIPPED") : 0);
            if (task is not null && (held.Position, held.Start, held.Id).CompareTo((task.Position, task.Start, task.Id)) < 0)
                place = replaced < 0 ? i + 1 : i;
        }

        if (replaced >= 0)
        {
            _settled.RemoveAt(replaced);
            _tasks.RemoveAt(replaced);
        }

        return (place, types);
    }

    private void WriteSettled(FloorTask task)
    {
        _json.WriteStartObject();
        _json.WriteString("id"u8, task.Id);
        _json.WriteStartObject("settled"u8);
        _json.WriteString("at"u8, task.At);
        _json.WriteString("by"u8, task.By);
        _json.WriteEndObject();
        _json.WriteString("type"u8, task.Type);
        _json.WriteNumber("position"u8, task.Position);
        _json.WriteNumber("start"u8, task.Start);
        if (task.Reason is { } reason)
            _json.WriteString("reason"u8, reason);
        _json.WriteEndObject();
    }

    private void WriteParts(byte[][] names, ReadOnlyMemory<byte>[] parts)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (parts[i].IsEmpty)
                continue;
            _json.WritePropertyName(names[i]);
            _json.WriteRawValue(parts[i].Span, skipInputValidation: true);
        }
    }

    private void WriteItems(List<ReadOnlyMemory<byte>> items, int from, int to)
    {
        for (var i = from; i < to; i++)
            _json.WriteRawValue(items[i].Span, skipInputValidation: true);
    }

    private static int Bit(string type) => 1 << Array.IndexOf(TaskTypeNames, type);

    private static byte[] Milliseconds(DateTimeOffset time) => Encoding.UTF8.GetBytes(time.UtcDateTime.ToString("'\"'yyyy-MM-ddTHH:mm:ss.fffZ'\"'", CultureInfo.InvariantCulture));

    private static Guid? IdOf(ReadOnlyMemory<byte> raw)
    {
        if (raw.IsEmpty)
            return null;
        var reader = new Utf8JsonReader(raw.Span);
        reader.Read();
        return reader.GetGuid();
    }

    private static DateTime? TimeOf(ReadOnlyMemory<byte> raw)
    {
        if (raw.IsEmpty)
            return null;
        var reader = new Utf8JsonReader(raw.Span);
        reader.Read();
        return reader.GetDateTimeOffset().UtcDateTime;
    }

    private static byte[][] Names(params string[] names) => [.. names.Select(Encoding.UTF8.GetBytes)];

    private delegate void WriteFrom(Utf8JsonWriter json, ReadOnlySpan<byte> data);

    /// <summary>What a document keeps of a task to settle which of two events of it counts, and where it stands.</summary>
    private readonly record struct SettledTask(Guid Id, DateTime At, Guid By, string Type, int Position, long Start, bool IsSkipped)
    {
        public static SettledTask Read(ReadOnlySpan<byte> json)
        {
            var task = new SettledTask { Type = "" };
            var reader = new Utf8JsonReader(json);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("id"u8))
                {
                    reader.Read();
                    task = task with { Id = reader.GetGuid() };
                }
                else if (reader.ValueTextEquals("settled"u8))
                {
                    reader.Read();
                    var (at, by) = StampOf(ref reader);
                    task = task with { At = at, By = by };
                }
                else if (reader.ValueTextEquals("type"u8))
                {
                    reader.Read();
                    task = task with { Type = Known(ref reader) };
                }
                else if (reader.ValueTextEquals("position"u8))
                {
                    reader.Read();
                    task = task with { Position = reader.GetInt32() };
                }
                else if (reader.ValueTextEquals("start"u8))
                {
                    reader.Read();
                    task = task with { Start = reader.GetInt64() };
                }
                else
                {
                    task = task with { IsSkipped = true };
                    reader.Skip();
                }
            }

            return task;
        }

        private static string Known(ref Utf8JsonReader reader)
        {
            foreach (var name in TaskTypeNames)
            {
                if (reader.ValueTextEquals(name))
                    return name;
            }

            return reader.GetString()!;
        }
    }
}
