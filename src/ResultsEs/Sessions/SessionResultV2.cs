namespace ResultsEs.Sessions;

/// <summary>A session's details, v2: the same session as in v3, in v2's words.</summary>
internal sealed record SessionResultV2 : SessionHead
{
    private static readonly JsonWriterOptions Unchecked = new() { SkipValidation = true };

    /// <summary>The tasks that were answered or skipped, in the order of v3.</summary>
    [JsonPropertyOrder(1)]
    public IReadOnlyList<SessionTaskResult> SessionTaskResults { get; init; } = [];

    /// <summary>Renders a stored document as v2, from pieces of its JSON. Costs a third of reading and writing records.</summary>
    public static ReadOnlyMemory<byte> Render(ReadOnlySpan<byte> document)
    {
        var (shown, folds) = (new List<Shown>(), new Dictionary<Guid, Fold>());
        var output = new ArrayBufferWriter<byte>(document.Length);
        using var writer = new Utf8JsonWriter(output, Unchecked);
        writer.WriteStartObject();
        var reader = new Utf8JsonReader(document);
        reader.Read();
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("body"u8))
                ReadBody(document, ref reader, writer, shown);
            else if (reader.ValueTextEquals("fold"u8))
                ReadFold(ref reader, folds);
            else
                reader.Skip();
        }

        writer.WriteStartArray("sessionTaskResults"u8);
        foreach (var task in shown)
            Write(document, task, folds[task.Id], writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenMemory;
    }

    // Every member but tasks and task groups is the same in v2.
    private static void ReadBody(ReadOnlySpan<byte> document, ref Utf8JsonReader reader, Utf8JsonWriter writer, List<Shown> tasks)
    {
        reader.Read();
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("tasks"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    tasks.Add(ReadTask(ref reader));
            }
            else if (reader.ValueTextEquals("taskGroups"u8))
            {
                reader.Skip();
            }
            else
            {
                writer.WritePropertyName(reader.ValueSpan);
                writer.WriteRawValue(document[Value(ref reader)], skipInputValidation: true);
            }
        }
    }

    private static Shown ReadTask(ref Utf8JsonReader reader)
    {
        var task = default(Shown);
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("uuid"u8))
                task.Id = Id(ref reader);
            else if (reader.ValueTextEquals("text"u8))
                task.Text = Value(ref reader);
            else if (reader.ValueTextEquals("response"u8))
                ReadResponse(ref reader, ref task);
            else
                reader.Skip();
        }

        return task;
    }

    private static void ReadResponse(ref Utf8JsonReader reader, ref Shown task)
    {
        reader.Read();
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("startTimeMs"u8))
                task.Start = Value(ref reader);
            else if (reader.ValueTextEquals("endTimeMs"u8))
                task.End = Value(ref reader);
            else if (reader.ValueTextEquals("answer"u8))
                ReadAnswer(ref reader, ref task);
            else
                reader.Skip();
        }
    }

    // An object with one member, or null.
    private static void ReadAnswer(ref Utf8JsonReader reader, ref Shown task)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return;

        reader.Read();
        task.Answer = Value(ref reader);
        reader.Read();
    }

    private static void ReadFold(ref Utf8JsonReader reader, Dictionary<Guid, Fold> tasks)
    {
        reader.Read();
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("tasks"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    ReadTaskFold(ref reader, tasks);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static void ReadTaskFold(ref Utf8JsonReader reader, Dictionary<Guid, Fold> tasks)
    {
        var (id, fold) = (default(Guid), default(Fold));
        while (ReadName(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
                id = Id(ref reader);
            else if (reader.ValueTextEquals("type"u8))
                fold.Type = Text(ref reader);
            else if (reader.ValueTextEquals("position"u8))
                fold.Position = Value(ref reader);
            else if (reader.ValueTextEquals("reason"u8))
                fold.Reason = Text(ref reader);
            else
                reader.Skip();
        }

        tasks.Add(id, fold);
    }

    private static void Write(ReadOnlySpan<byte> document, in Shown task, in Fold fold, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("taskId"u8, task.Id);
        if (fold.Reason is not null)
        {
            writer.WriteString("taskType"u8, TaskTypes.TaskType.Skipped);
            writer.WriteStartObject("taskResponse"u8);
            writer.WriteString("reason"u8, fold.Reason);
            writer.WriteString("skippedType"u8, fold.Type);
            writer.WriteEndObject();
        }
        else
        {
            var isKnown = TaskTypes.TaskType.Find(fold.Type!) is not null;
            writer.WriteString("taskType"u8, isKnown ? fold.Type : TaskTypes.TaskType.Unrecognized);
            writer.WritePropertyName("taskResponse"u8);
            if (isKnown && task.Answer is { } answer)
                writer.WriteRawValue(document[answer], skipInputValidation: true);
            else
                writer.WriteNullValue();
        }

        Copy("text"u8, task.Text, document, writer);
        Copy("position"u8, fold.Position, document, writer);
        Copy("startTimeMs"u8, task.Start, document, writer);
        Copy("endTimeMs"u8, task.End, document, writer);
        writer.WriteEndObject();

        static void Copy(ReadOnlySpan<byte> name, Range value, ReadOnlySpan<byte> document, Utf8JsonWriter writer)
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(document[value], skipInputValidation: true);
        }
    }

    // False at the end of the object.
    private static bool ReadName(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    // The place in the document of the value after the name.
    private static Range Value(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }

    private static Guid Id(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetGuid();
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }

    // A task of the body.
    private record struct Shown(Guid Id, Range Text, Range Start, Range End, Range? Answer);

    // The state of a task beside the body.
    private record struct Fold(string? Type, Range Position, string? Reason);
}

/// <summary>A task in v2.</summary>
internal sealed record SessionTaskResult
{
    /// <summary>The task in the test plan.</summary>
    public required Guid TaskId { get; init; }

    /// <summary>One of the twelve task types, or <c>UNRECOGNIZED</c>.</summary>
    public required string TaskType { get; init; }

    /// <summary>The payload that v3 has under the task type's key; null for a type that this version does not know.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required JsonElement? TaskResponse { get; init; }

    /// <summary>The task as the participant read it.</summary>
    public required string Text { get; init; }

    /// <summary>The task's place in the test plan, from 0.</summary>
    public required int Position { get; init; }

    /// <summary>When the task was shown, milliseconds since the session's start.</summary>
    public required long StartTimeMs { get; init; }

    /// <summary>When the task was answered or skipped, milliseconds since the session's start.</summary>
    public required long EndTimeMs { get; init; }
}

/// <summary>What v2 shows of a skipped task.</summary>
internal sealed record SkipPayload(SkipReason Reason, string SkippedType);
