namespace ResultsEs.Search;

/// <summary>The words around a hit.</summary>
/// <param name="Text">Plain text, a part of what was said.</param>
/// <param name="Marks">The places in it that were looked for, in their order.</param>
internal sealed record Excerpt(string Text, IReadOnlyList<ExcerptMark> Marks)
{
    /// <summary>What PostgreSQL writes before a word that was looked for. No text has it.</summary>
    public const char Begin = '\u0002';

    /// <summary>What PostgreSQL writes behind such a word.</summary>
    public const char End = '\u0003';

    /// <summary>Takes apart what PostgreSQL wrote.</summary>
    public static Excerpt Of(string marked)
    {
        var text = new StringBuilder(marked.Length);
        var marks = new List<ExcerptMark>();
        var begin = 0;
        foreach (var letter in marked)
        {
            if (letter == Begin)
                begin = text.Length;
            else if (letter == End)
                marks.Add(new ExcerptMark(begin, text.Length - begin));
            else
                text.Append(letter);
        }

        return new Excerpt(text.ToString(), marks);
    }
}

/// <summary>A word that was looked for, in an excerpt.</summary>
/// <param name="Start">Where it begins, in UTF-16 code units as JavaScript, Java and C# count them.</param>
/// <param name="Length">How long it is, in the same units.</param>
internal sealed record ExcerptMark(int Start, int Length);
