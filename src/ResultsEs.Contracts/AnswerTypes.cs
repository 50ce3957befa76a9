using System.Collections.Frozen;

namespace ResultsEs.Contracts;

/// <summary>The wire names of answers: the <c>type</c> of each record.</summary>
public static class AnswerTypes
{
    private static readonly FrozenDictionary<string, Type> Records = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["WRITTEN"] = typeof(WrittenAnswer),
        ["VERBAL"] = typeof(VerbalAnswer),
        ["URL"] = typeof(UrlAnswer),
        ["MATRIX"] = typeof(MatrixAnswer),
        ["NPS"] = typeof(NpsAnswer),
        ["RATING_SCALE"] = typeof(RatingScaleAnswer),
        ["MULTIPLE_CHOICE"] = typeof(MultipleChoiceAnswer),
        ["RANK_ORDER"] = typeof(RankOrderAnswer),
        ["BLANK"] = typeof(BlankAnswer),
        ["IMAGE"] = typeof(ImageAnswer),
        ["FIGMA"] = typeof(FigmaAnswer),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, string> Names = Records.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Returns the record of an answer type, or null when this version does not know it.</summary>
    public static Type? Find(string name) => Records.GetValueOrDefault(name);

    /// <summary>Returns the answer type of a record, such as <c>NPS</c>.</summary>
    /// <exception cref="KeyNotFoundException">The record is no answer that this version knows.</exception>
    public static string NameOf(Type record) => Names[record];
}
