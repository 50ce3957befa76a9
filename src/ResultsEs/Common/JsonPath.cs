namespace ResultsEs.Common;

/// <summary>
/// The path of the value that a walk through JSON is at, such as <c>data.cues[3].text</c>. Names are the sender's, so they are cut,
/// and a text is made only where it is told.
/// </summary>
internal sealed class JsonPath(string root)
{
    /// <summary>The most characters of a name that are told.</summary>
    public const int MaxName = 100;

    // The longest path of the records has some 60.
    private const int MaxPath = 300;

    private readonly StringBuilder _text = new(root);

    /// <summary>Steps into a member. Returns what <see cref="Leave"/> takes.</summary>
    public int Enter(string member)
    {
        var outside = _text.Length;
        _text.Append('.').Append(Printable.Excerpt(member, MaxName));
        return outside;
    }

    /// <summary>Steps into an item of a list. Returns what <see cref="Leave"/> takes.</summary>
    public int Enter(int index)
    {
        var outside = _text.Length;
        _text.Append(CultureInfo.InvariantCulture, $"[{index}]");
        return outside;
    }

    public void Leave(int outside) => _text.Length = outside;

    public override string ToString() =>
        _text.Length <= MaxPath ? _text.ToString() : Printable.Excerpt(_text.ToString(0, MaxPath + 1), MaxPath);
}
