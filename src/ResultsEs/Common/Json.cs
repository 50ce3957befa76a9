using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ResultsEs.Contracts;

namespace ResultsEs.Common;

/// <summary>
/// How everything is read from and written to JSON: on the wire, in the event store and in the documents. One set of
/// options, so that an event cannot be stored in other words than it was accepted in.
/// </summary>
internal static class Json
{
    /// <summary>The options; read-only.</summary>
    public static readonly JsonSerializerOptions Options = Create();

    private static readonly JsonSerializerOptions ShownOptions = CreateShown();

    /// <summary>The contract of <typeparamref name="T"/> under <see cref="Options"/>.</summary>
    public static JsonTypeInfo<T> Of<T>() => Cache<T>.TypeInfo;

    /// <summary>The same for what results show: parts of events without the members that this version does not know.</summary>
    public static JsonTypeInfo<T> Shown<T>() => Cache<T>.Shown;

    private static JsonSerializerOptions CreateShown()
    {
        var options = new JsonSerializerOptions(Options) { TypeInfoResolver = Options.TypeInfoResolver!.WithAddedModifier(HideUnknown) };
        options.MakeReadOnly();
        return options;
    }

    private static void HideUnknown(JsonTypeInfo contract)
    {
        if (contract.Type.IsAssignableTo(typeof(EventPart)) && contract.Properties.FirstOrDefault(member => member.IsExtensionData) is { } unknown)
            contract.Properties.Remove(unknown);
    }

    private static JsonSerializerOptions Create()
    {
        var features = typeof(Json).Assembly.GetCustomAttributes<JsonContextAttribute>().Select(attribute => attribute.Context);
        var options = new JsonSerializerOptions(EventJson.Options)
        {
            // A stored document wraps what an event held, so it may be deeper than an event.
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
    }
}

/// <summary>Source-generated JSON contracts that <see cref="Json"/> uses: <see cref="JsonContextAttribute{T}"/> adds a feature's own.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal abstract class JsonContextAttribute : Attribute
{
    /// <summary>The contracts.</summary>
    public abstract JsonSerializerContext Context { get; }
}

/// <inheritdoc/>
/// <typeparam name="T">The contracts' class.</typeparam>
internal sealed class JsonContextAttribute<T> : JsonContextAttribute
    where T : JsonSerializerContext, new()
{
    /// <inheritdoc/>
    public override JsonSerializerContext Context { get; } = new T();
}
