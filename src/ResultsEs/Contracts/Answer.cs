using System.Text.Json;
using System.Text.Json.Serialization;
using ResultsEs.Common;

namespace ResultsEs.Contracts;

/// <summary>
/// What a participant answered: a closed hierarchy, told apart by <c>type</c>. Each answer lives with its task type
/// in <c>SessionResults/TaskTypes</c>; what none of them knows is an <see cref="UnrecognizedAnswer"/>.
/// </summary>
public abstract record Answer : EventPart
{
    private protected Answer()
    {
    }

    /// <summary>The discriminator, such as <c>NPS</c>.</summary>
    [JsonPropertyOrder(-1)]
    public abstract string Type { get; }
}

/// <summary>An answer of a type this version does not know, kept whole until a version knows it.</summary>
/// <param name="Json">The answer as it came, an object with a <c>type</c>.</param>
public sealed record UnrecognizedAnswer(JsonElement Json) : Answer
{
    /// <inheritdoc/>
    public override string Type => Json.GetProperty("type").GetString()!;
}
