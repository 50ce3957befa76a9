using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The v2 body of a stored document of <see cref="Sessions"/>, put together by hand from pieces of its text; other tasks than those of these sessions are not known here.
/// </summary>
internal static class FloorV2
{
    private const int MostTasks = 64;

    /// <summary>Writes the body of <paramref name="document"/> to <paramref name="body"/>, and returns its length.</summary>
    public static int Render(ReadOnlySpan<byte> document, Span<byte> body)
    {
        Span<Task> tasks = stackalloc Task[MostTasks];
        var count = 0;
        var output = new Output(body);
        var reader = new Utf8JsonReader(document);
        reader.Read();
        output.Add("{"u8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Stored members are ordered by length and then by name, so the body is first.
            if (reader.ValueTextEquals("body"u8))
                count = ReadBody(document, ref reader, ref output, tasks);
            else if (reader.ValueTextEquals("fold"u8))
                ReadFold(document, ref reader, tasks[..count]);
            else
                reader.Skip();
        }

        output.Add("\"sessionTaskResults\": ["u8);
        for (var i = 0; i < count; i++)
            Write(document, in tasks[i], isFirst: i == 0, ref output);
        output.Add("]}"u8);
        return output.Length;
    }

    // What v2 says about the session itself v3 says in the same words.
    private static int ReadBody(ReadOnlySpan<byte> document, ref Utf8JsonReader reader, ref Output output, scoped Span<Task> tasks)
    {
        var count = 0;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("tasks"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    ReadTask(ref reader, ref tasks[count++]);
            }
            else if (reader.ValueTextEquals("taskGroups"u8))
            {
                reader.Skip();
            }
            else
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                output.Add(document[start..(int)reader.BytesConsumed]);
                output.Add(", "u8);
            }
        }

        return count;
    }

    private static void ReadTask(ref Utf8JsonReader reader, ref Task task)
    {
        task = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("uuid"u8))
                task.Id = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("text"u8))
                task.Text = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("response"u8))
                ReadResponse(ref reader, ref task);
            else
                reader.Skip();
        }
    }

    private static void ReadResponse(ref Utf8JsonReader reader, ref Task task)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("startTimeMs"u8))
                task.Start = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("endTimeMs"u8))
                task.End = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("answer"u8))
                ReadAnswer(ref reader, ref task);
            else
                reader.Skip();
        }
    }

    // An object with one member, or null.
    private static void ReadAnswer(ref Utf8JsonReader reader, ref Task task)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return;
        reader.Read();
        task.Answer = FloorSession.Next(ref reader);
        reader.Read();
    }

    private static void ReadFold(ReadOnlySpan<byte> document, ref Utf8JsonReader reader, scoped Span<Task> tasks)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("tasks"u8))
            {
                reader.Skip();
                continue;
            }

            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                ReadTaskFold(document, ref reader, tasks);
        }
    }

    private static void ReadTaskFold(ReadOnlySpan<byte> document, ref Utf8JsonReader reader, scoped Span<Task> tasks)
    {
        Range id = default, type = default, position = default, reason = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
                id = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("type"u8))
                type = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("position"u8))
                position = FloorSession.Next(ref reader);
            else if (reader.ValueTextEquals("reason"u8))
                reason = FloorSession.Next(ref reader);
            else
                reader.Skip();
        }

        foreach (ref var task in tasks)
        {
            if (document[task.Id].SequenceEqual(document[id]))
            {
                (task.Type, task.Position, task.Reason) = (type, position, reason);
                return;
            }
        }
    }

    private static void Write(ReadOnlySpan<byte> document, in Task task, bool isFirst, ref Output output)
    {
        output.Add(isFirst ? "{\"taskId\": "u8 : ", {\"taskId\": "u8);
        output.Add(document[task.Id]);
        if (task.Reason.Equals(default))
        {
            output.Add(", \"taskType\": "u8);
            output.Add(document[task.Type]);
            output.Add(", \"taskResponse\": "u8);
            output.Add(document[task.Answer]);
        }
        else
        {
            output.Add(", \"taskType\": \"SKIPPED\", \"taskResponse\": {\"reason\": "u8);
            output.Add(document[task.Reason]);
            output.Add(", \"skippedType\": "u8);
            output.Add(document[task.Type]);
            output.Add("}"u8);
        }

        output.Add(", \"text\": "u8);
        output.Add(document[task.Text]);
        output.Add(", \"position\": "u8);
        output.Add(document[task.Position]);
        output.Add(", \"startTimeMs\": "u8);
        output.Add(document[task.Start]);
        output.Add(", \"endTimeMs\": "u8);
        output.Add(document[task.End]);
        output.Add("}"u8);
    }

    /// <summary>Where the parts of a task lie in the document.</summary>
    private record struct Task
    {
        public Range Id { get; set; }

        public Range Text { get; set; }

        public Range Start { get; set; }

        public Range End { get; set; }

        public Range Answer { get; set; }

        public Range Type { get; set; }

        public Range Position { get; set; }

        public Range Reason { get; set; }
    }

    /// <summary>What has been written.</summary>
    private ref struct Output(Span<byte> bytes)
    {
        private readonly Span<byte> _bytes = bytes;

        public int Length { get; private set; }

        public void Add(ReadOnlySpan<byte> piece)
        {
            piece.CopyTo(_bytes[Length..]);
            Length += piece.Length;
        }
    }
}
