namespace ResultsEs.Ingestion;

/// <summary>Reads a CloudEvent in binary mode, for every transport: attributes beside a body, which is the event's data.</summary>
internal static class BinaryCloudEvents
{
    /// <summary>The attributes that the service reads, except the data's content type. Others are let pass.</summary>
    public static IReadOnlyList<string> Attributes { get; } = ["id", "source", "specversion", "type", "subject", "time", "traceparent"];

    /// <summary>Reads the event of attributes, a content type (null: JSON) and a body.</summary>
    public static CloudEvents Read(
        IEnumerable<KeyValuePair<string, string?>> attributes, string? contentType, ReadOnlySpan<byte> body)
    {
        body = CloudEventReader.WithoutByteOrderMark(body);
        return IsOneValue(body)
            ? CloudEventReader.Read(Structured(attributes, contentType, body), CloudEventShapes.Single)
            : CloudEvents.Refused("must be JSON, as the data of a CloudEvent in binary mode");
    }

    // Anything after the value could be an attribute of its own.
    private static bool IsOneValue(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The event written in structured mode, so that one reader serves all modes.</summary>
    private static ReadOnlySpan<byte> Structured(
        IEnumerable<KeyValuePair<string, string?>> attributes, string? contentType, ReadOnlySpan<byte> data)
    {
        var json = new ArrayBufferWriter<byte>(data.Length + 1_024);
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { SkipValidation = true }))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in attributes)
            {
                if (Attributes.Contains(name, StringComparer.Ordinal))
                    writer.WriteString(name, value);
            }

            if (!string.IsNullOrEmpty(contentType))
                writer.WriteString("datacontenttype", contentType);
            writer.WritePropertyName("data");
            writer.WriteRawValue(data, skipInputValidation: true);
            writer.WriteEndObject();
        }

        return json.WrittenSpan;
    }
}
