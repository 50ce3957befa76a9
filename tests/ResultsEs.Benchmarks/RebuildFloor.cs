using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The least that a program has to do that builds the documents of <see cref="Sessions"/>: reads events along their index, folds what it knows of these sessions and nothing more by spans of
/// UTF-8, writes rows by binary COPY, and makes the indexes of the served table. Nothing can be resumed, nobody may write meanwhile, and other events than these are lost.
/// </summary>
internal static class RebuildFloor
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "floor";

    /// <summary>The table it leaves.</summary>
    public const string Table = "b1_floor";

    private const string Served = "results.mt_doc_session_result_2";

    public static async Task RunAsync(string database, int parallel, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await ExecuteAsync(source, $"drop table if exists results.{Table}; create table results.{Table} (like {Served} including defaults)", cancellation);
        var ranges = Enumerable.Range(0, parallel).Select(part => (First: Bound(part, parallel), Last: part + 1 == parallel ? Guid.AllBitsSet : Bound(part + 1, parallel)));
        await Task.WhenAll(ranges.Select(range => Task.Run(() => FoldAsync(source, range.First, range.Last, cancellation), cancellation)));
        await ExecuteAsync(
            source,
            $"""
            alter table results.{Table} add primary key (tenant_id, id);
            create index on results.{Table} (tenant_id, workspace_id, test_id, status, listed_at, id) include (audience_id, task_types);
            create index on results.{Table} (tenant_id, workspace_id, test_id, mt_last_modified, id) include (status, listed_at, audience_id, task_types)
            """,
            cancellation);
    }

    private static Guid Bound(int part, int parts) => new((uint)((1UL << 32) * (ulong)part / (ulong)parts), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static async Task FoldAsync(NpgsqlDataSource source, Guid first, Guid last, CancellationToken cancellation)
    {
        await using var reading = await source.OpenConnectionAsync(cancellation);
        await using var writing = await source.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand(
            """
            select e.stream_id, e.id, e.type, e.data, e.headers ->> 'time', e.timestamp
            from results.mt_events e
            where e.tenant_id = $1 and e.stream_id >= $2 and e.stream_id < $3
            order by e.tenant_id, e.stream_id, e.version
            """, reading)
        { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Service.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = first });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = last });
        await using var copy = await writing.BeginBinaryImportAsync(
            $"copy results.{Table} (tenant_id, id, data, mt_version, mt_dotnet_type, mt_last_modified, workspace_id, test_id, status, audience_id, start_time, listed_at, task_types) from stdin (format binary)", cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var session = new FloorSession();
        while (await reader.ReadAsync(cancellation))
        {
            var id = reader.GetGuid(0);
            if (session.Version > 0 && id != session.Id)
                WriteRow(copy, session);
            session.Fold(id, reader.GetGuid(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3), reader.GetString(4), reader.GetDateTime(5));
        }

        if (session.Version > 0)
            WriteRow(copy, session);
        await copy.CompleteAsync(cancellation);
    }

    private static void WriteRow(NpgsqlBinaryImporter copy, FloorSession session)
    {
        copy.StartRow();
        copy.Write(Service.Account, NpgsqlDbType.Varchar);
        copy.Write(session.Id, NpgsqlDbType.Uuid);
        copy.Write(session.Document(), NpgsqlDbType.Jsonb);
        copy.Write(session.Version, NpgsqlDbType.Bigint);
        copy.Write("ResultsEs.Sessions.SessionResult", NpgsqlDbType.Varchar);
        copy.Write(session.Appended, NpgsqlDbType.TimestampTz);
        copy.Write(session.Workspace, NpgsqlDbType.Uuid);
        copy.Write(session.Test, NpgsqlDbType.Uuid);
        copy.Write("Complete", NpgsqlDbType.Varchar);
        copy.Write(session.Audience, NpgsqlDbType.Uuid);
        copy.Write(session.Start, NpgsqlDbType.TimestampTz);
        copy.Write(session.Finish, NpgsqlDbType.TimestampTz);
        copy.Write(session.TaskTypes, NpgsqlDbType.Varchar);
        session.Clear();
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>One of <see cref="Sessions"/> while it is folded; used again for the next.</summary>
internal sealed class FloorSession
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly ArrayBufferWriter<byte> _bytes = new(16 * 1024);
    private readonly Utf8JsonWriter _json;
    private readonly Dictionary<Guid, FloorTask> _tasks = [];
    private readonly SortedSet<string> _types = new(StringComparer.Ordinal);
    private readonly List<FloorTask> _order = [];
    private (byte[] Data, Guid By, DateTimeOffset At)? _started;
    private (byte[] Data, Guid By, DateTimeOffset At)? _profiled;
    private (byte[] Data, Guid By, DateTimeOffset At)? _scored;
    private (byte[] Data, Guid By, DateTimeOffset At)? _ended;
    private Guid _plan;
    private string _product = "";

    public FloorSession() => _json = new Utf8JsonWriter(_bytes, Writing);

    public Guid Id { get; private set; }

    public long Version { get; private set; }

    public DateTime Appended { get; private set; }

    public Guid Workspace { get; private set; }

    public Guid Test { get; private set; }

    public Guid Audience { get; private set; }

    public DateTime Start { get; private set; }

    public DateTime Finish { get; private set; }

    public string TaskTypes => $"|{string.Join('|', _types)}|";

    public void Clear()
    {
        (Version, _started, _profiled, _scored, _ended) = (0, null, null, null, null);
        _tasks.Clear();
        _types.Clear();
        _order.Clear();
    }

    public void Fold(Guid id, Guid by, string type, byte[] data, string time, DateTime appended)
    {
        (Id, Version, Appended) = (id, Version + 1, appended);
        var at = DateTimeOffset.ParseExact(time, "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        switch (type)
        {
            case "results.TaskAnswered.v1":
            case "results.TaskSkipped.v1":
                var task = FloorTask.Read(data, by, at);
                if (!_tasks.TryGetValue(task.Id, out var held) || (at, by).CompareTo((held.At, held.By)) > 0)
                    _tasks[task.Id] = task;
                break;
            case "results.SessionStarted.v1":
                Keep(ref _started);
                break;
            case "results.ParticipantProfiled.v1":
                Keep(ref _profiled);
                break;
            case "results.TaskGroupScored.v1":
                Keep(ref _scored);
                break;
            case "results.SessionCompleted.v1":
                Keep(ref _ended);
                break;
        }

        void Keep(ref (byte[] Data, Guid By, DateTimeOffset At)? place)
        {
            if (place is not { } there || (at, by).CompareTo((there.At, there.By)) > 0)
                place = (data, by, at);
        }
    }

    /// <summary>The document; the memory is used again for the next.</summary>
    public byte[] Document()
    {
        ReadHead();
        _order.AddRange(_tasks.Values);
        _bytes.ResetWrittenCount();
        _json.Reset(_bytes);
        _json.WriteStartObject();
        _json.WriteString("id"u8, Id);
        _json.WriteStartObject("body"u8);
        _json.WriteString("sessionId"u8, Id);
        _json.WriteString("testId"u8, Test);
        _json.WriteString("workspaceId"u8, Workspace);
        _json.WriteString("productType"u8, _product);
        _json.WriteString("status"u8, "COMPLETE"u8);
        WriteMilliseconds("startTime"u8, Start);
        WriteMilliseconds("finishTime"u8, Finish);
        _json.WriteString("audienceId"u8, Audience);
        _json.WriteString("testPlanId"u8, _plan);
        WriteProfile();
        WriteGroup(isBody: true);
        _order.Sort(static (left, right) => (left.Position, left.Start, left.Id).CompareTo((right.Position, right.Start, right.Id)));
        _json.WriteStartArray("tasks"u8);
        foreach (var task in _order)
            task.WriteBody(_json);
        _json.WriteEndArray();
        _json.WriteEndObject();

        _json.WriteStartObject("fold"u8);
        WriteStamp("started"u8, _started!.Value.At, _started.Value.By);
        WriteStamp("profiled"u8, _profiled!.Value.At, _profiled.Value.By);
        WriteStamp("ended"u8, _ended!.Value.At, _ended.Value.By);
        _order.Sort(static (left, right) => left.Id.CompareTo(right.Id));
        _json.WriteStartArray("tasks"u8);
        foreach (var task in _order)
        {
            _json.WriteStartObject();
            _json.WriteString("id"u8, task.Id);
            WriteStamp("settled"u8, task.At, task.By);
            _json.WriteString("type"u8, task.Type);
            _json.WriteNumber("position"u8, task.Position);
            if (task.Reason is { } reason)
                _json.WriteString("reason"u8, reason);
            _json.WriteEndObject();
            _types.Add(task.Type);
            if (task.Reason is not null)
                _types.Add("SKIPPED");
        }

        _json.WriteEndArray();
        WriteGroup(isBody: false);
        _json.WriteEndObject();
        _json.WriteString("listedAt"u8, new DateTimeOffset(Finish));
        _json.WriteString("taskTypes"u8, TaskTypes);
        _json.WriteEndObject();
        _json.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    private void ReadHead()
    {
        var reader = new Utf8JsonReader(_started!.Value.Data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("workspaceId"u8))
                Workspace = NextGuid(ref reader);
            else if (reader.ValueTextEquals("testId"u8))
                Test = NextGuid(ref reader);
            else if (reader.ValueTextEquals("testPlanId"u8))
                _plan = NextGuid(ref reader);
            else if (reader.ValueTextEquals("audienceId"u8))
                Audience = NextGuid(ref reader);
            else if (reader.ValueTextEquals("startedAt"u8))
                Start = NextTime(ref reader);
            else if (reader.ValueTextEquals("productType"u8) && reader.Read())
                _product = reader.GetString()!;
            else
                reader.Skip();
        }

        reader = new Utf8JsonReader(_ended!.Value.Data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("finishedAt"u8))
                Finish = NextTime(ref reader);
            else
                reader.Skip();
        }
    }

    private static Guid NextGuid(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetGuid();
    }

    private static DateTime NextTime(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetDateTimeOffset().UtcDateTime;
    }

    private void WriteProfile()
    {
        var data = _profiled!.Value.Data;
        var reader = new Utf8JsonReader(data);
        reader.Read();
        _json.WriteStartObject("sessionParticipant"u8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            _json.WritePropertyName(reader.ValueTextEquals("demographics"u8) ? "demographicsInfo"u8 : "participantId"u8);
            _json.WriteRawValue(Raw(data, ref reader), skipInputValidation: true);
        }

        _json.WriteEndObject();
    }

    private void WriteGroup(bool isBody)
    {
        var (data, by, at) = _scored!.Value;
        ReadOnlySpan<byte> id = default, label = default, score = default, values = default, components = default, behavioral = default, attitudinal = default;
        var reader = new Utf8JsonReader(data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("taskGroupId"u8))
                id = Raw(data, ref reader);
            else if (reader.ValueTextEquals("label"u8))
                label = Raw(data, ref reader);
            else if (reader.ValueTextEquals("score"u8))
                score = Raw(data, ref reader);
            else if (reader.ValueTextEquals("values"u8))
                values = Raw(data, ref reader);
            else
                components = Raw(data, ref reader);
        }

        reader = new Utf8JsonReader(components);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("behavioral"u8))
                behavioral = Raw(components, ref reader);
            else
                attitudinal = Raw(components, ref reader);
        }

        _json.WriteStartArray("taskGroups"u8);
        _json.WriteStartObject();
        if (isBody)
        {
            _json.WritePropertyName("uuid"u8);
            _json.WriteRawValue(id, skipInputValidation: true);
            _json.WriteString("type"u8, "QX_SCORE"u8);
            _json.WriteStartObject("response"u8);
            Write("score"u8, score);
        }
        else
        {
            Write("id"u8, id);
            WriteStamp("settled"u8, at, by);
            _json.WriteStartObject("qx"u8);
            Write("label"u8, label);
            Write("score"u8, score);
            Write("behavioral"u8, behavioral);
            Write("attitudinal"u8, attitudinal);
            Write("values"u8, values);
        }

        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> raw)
    {
        _json.WritePropertyName(name);
        _json.WriteRawValue(raw, skipInputValidation: true);
    }

    private void WriteStamp(ReadOnlySpan<byte> name, DateTimeOffset at, Guid by)
    {
        _json.WriteStartObject(name);
        _json.WriteString("at"u8, at);
        _json.WriteString("by"u8, by);
        _json.WriteEndObject();
    }

    private void WriteMilliseconds(ReadOnlySpan<byte> name, DateTime time)
    {
        Span<byte> text = stackalloc byte[24];
        time.TryFormat(text, out _, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        _json.WriteString(name, text);
    }

    /// <summary>The value of the property at which the reader stands, as it is in the text; the reader stands at its end then.</summary>
    internal static ReadOnlySpan<byte> Raw(ReadOnlySpan<byte> data, scoped ref Utf8JsonReader reader) => data[Next(ref reader)];

    /// <summary>Where that value lies.</summary>
    internal static Range Next(scoped ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }
}

/// <summary>A task of a <see cref="FloorSession"/>: where its parts lie in its event.</summary>
internal sealed class FloorTask
{
    private byte[] _data = [];
    private Range _text;
    private Range _answer;
    private Range _end;

    public Guid Id { get; private set; }

    public Guid By { get; private init; }

    public DateTimeOffset At { get; private init; }

    public int Position { get; private set; }

    public long Start { get; private set; }

    public string Type { get; private set; } = "";

    public string? Reason { get; private set; }

    public static FloorTask Read(byte[] data, Guid by, DateTimeOffset at)
    {
        var task = new FloorTask { By = by, At = at, _data = data };
        var reader = new Utf8JsonReader(data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8))
            {
                task._text = FloorSession.Next(ref reader);
            }
            else if (reader.ValueTextEquals("answer"u8))
            {
                task._answer = FloorSession.Next(ref reader);
            }
            else if (reader.ValueTextEquals("endTimeMs"u8))
            {
                task._end = FloorSession.Next(ref reader);
            }
            else if (reader.ValueTextEquals("taskId"u8))
            {
                reader.Read();
                task.Id = reader.GetGuid();
            }
            else if (reader.ValueTextEquals("position"u8))
            {
                reader.Read();
                task.Position = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("startTimeMs"u8))
            {
                reader.Read();
                task.Start = reader.GetInt64();
            }
            else if (reader.ValueTextEquals("taskType"u8))
            {
                reader.Read();
                task.Type = reader.GetString()!;
            }
            else if (reader.ValueTextEquals("reason"u8))
            {
                reader.Read();
                task.Reason = reader.GetString()!;
            }
            else
            {
                reader.Skip();
            }
        }

        if (task.Reason is null)
            task.Type = TypeOf(data.AsSpan()[task._answer]);
        return task;
    }

    public void WriteBody(Utf8JsonWriter json)
    {
        ReadOnlySpan<byte> data = _data;
        json.WriteStartObject();
        json.WriteString("uuid"u8, Id);
        json.WritePropertyName("text"u8);
        json.WriteRawValue(data[_text], skipInputValidation: true);
        json.WriteString("type"u8, Type);
        json.WriteStartObject("response"u8);
        json.WriteNumber("startTimeMs"u8, Start);
        json.WritePropertyName("endTimeMs"u8);
        json.WriteRawValue(data[_end], skipInputValidation: true);
        json.WriteBoolean("skipped"u8, Reason is not null);
        if (Reason is not null)
            json.WriteNull("answer"u8);
        else
            WriteAnswer(json, data[_answer]);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteAnswer(Utf8JsonWriter json, ReadOnlySpan<byte> answer)
    {
        json.WriteStartObject("answer"u8);
        json.WriteStartObject(Type switch
        {
            "NPS" => "nps"u8,
            "WRITTEN" => "written"u8,
            "RATING_SCALE" => "ratingScale"u8,
            _ => "multipleChoice"u8,
        });
        var reader = new Utf8JsonReader(answer);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Skip();
                continue;
            }

            json.WritePropertyName(reader.ValueSpan);
            var raw = FloorSession.Raw(answer, ref reader);
            json.WriteRawValue(raw, skipInputValidation: true);
            if (Type == "NPS" && Utf8Parser.TryParse(raw, out int score, out _))
                json.WriteString("category"u8, score <= 6 ? "DETRACTOR"u8 : score <= 8 ? "PASSIVE"u8 : "PROMOTER"u8);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string TypeOf(ReadOnlySpan<byte> answer)
    {
        var reader = new Utf8JsonReader(answer);
        reader.Read();
        while (reader.Read() && !reader.ValueTextEquals("type"u8))
            reader.Skip();
        reader.Read();
        return reader.ValueTextEquals("NPS"u8) ? "NPS" : reader.ValueTextEquals("WRITTEN"u8) ? "WRITTEN" : reader.ValueTextEquals("RATING_SCALE"u8) ? "RATING_SCALE" : "MULTIPLE_CHOICE";
    }
}
