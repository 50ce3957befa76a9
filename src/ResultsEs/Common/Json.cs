namespace ResultsEs.Common;

/// <summary>The JSON options of wire, event store and documents: one set, so that events are stored as they were accepted.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = Create();

    private static readonly JsonSerializerOptions ShownOptions = CreateShown();

    private static readonly JsonSerializerOptions ComparedOptions = CreateCompared();

    /// <summary>The contract of <typeparamref name="T"/> under <see cref="Options"/>.</summary>
    public static JsonTypeInfo<T> Of<T>() => Cache<T>.TypeInfo;

    /// <summary>The contract for results: parts of events without the members that this version does not know.</summary>
    public static JsonTypeInfo<T> Shown<T>() => Cache<T>.Shown;

    /// <summary>The contract for comparing events: the same moment is the same text, whatever its offset.</summary>
    public static JsonTypeInfo<T> Compared<T>() => Cache<T>.Compared;

    private static JsonSerializerOptions CreateCompared()
    {
        var options = new JsonSerializerOptions(Options);
        options.Converters.Remove(options.Converters.Single(converter => converter is TimestampConverter));
        options.Converters.Add(new MomentConverter());
        options.MakeReadOnly();
        return options;
    }

    private static JsonSerializerOptions CreateShown()
    {
        var options = new JsonSerializerOptions(Options) { TypeInfoResolver = Options.TypeInfoResolver!.WithAddedModifier(HideUnknown) };
        options.MakeReadOnly();
        return options;
    }

    private static void HideUnknown(JsonTypeInfo contract)
    {
        if (contract.Type.IsAssignableTo(typeof(EventPart))
            && contract.Properties.FirstOrDefault(member => member.IsExtensionData) is { } unknown)
            contract.Properties.Remove(unknown);
    }

    private static JsonSerializerOptions Create()
    {
        var features = typeof(Json).Assembly.GetCustomAttributes<JsonContextAttribute>().Select(attribute => attribute.Context);
        var options = new JsonSerializerOptions(EventJson.Options)
        {
            // A stored document wraps parts of events, so it may be deeper than an event.
            MaxDepth = EventJson.MaxDepth * 2,
            TypeInfoResolver = JsonTypeInfoResolver.Combine([EventJson.Options.TypeInfoResolver, .. features]),
        };
        options.MakeReadOnly();
        return options;
    }

    private static class Cache<T>
    {
        public static readonly JsonTypeInfo<T> TypeInfo = (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));
        public static readonly JsonTypeInfo<T> Shown = (JsonTypeInfo<T>)ShownOptions.GetTypeInfo(typeof(T));
        public static readonly JsonTypeInfo<T> Compared = (JsonTypeInfo<T>)ComparedOptions.GetTypeInfo(typeof(T));
    }

    private sealed class MomentConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime);
    }
}

/// <summary>Registers the source-generated JSON contracts of a feature with <see cref="Json"/>.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal abstract class JsonContextAttribute : Attribute
{
    public abstract JsonSerializerContext Context { get; }
}

internal sealed class JsonContextAttribute<T> : JsonContextAttribute
    where T : JsonSerializerContext, new()
{
    public override JsonSerializerContext Context { get; } = new T();
}
