namespace ResultsEs.Contracts;

/// <summary>
/// A participant's answer: a closed hierarchy with the discriminator <c>type</c>. An answer of a type that this version does not know is
/// an <see cref="UnrecognizedAnswer"/>.
/// </summary>
[JsonConverter(typeof(AnswerConverter))]
public abstract record Answer : EventPart
{
    private protected Answer()
    {
    }

    /// <summary>The discriminator, such as <c>NPS</c>.</summary>
    [JsonPropertyOrder(-1)]
    public virtual string Type => AnswerTypes.NameOf(GetType());
}

/// <summary>An answer of a type that this version does not know, kept whole for a version that knows it.</summary>
/// <param name="Json">The answer as received: an object with a <c>type</c>.</param>
public sealed record UnrecognizedAnswer(JsonElement Json) : Answer
{
    /// <inheritdoc/>
    public override string Type => Json.GetProperty("type").GetString()!;
}
