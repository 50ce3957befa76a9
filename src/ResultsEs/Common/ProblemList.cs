namespace ResultsEs.Common;

/// <summary>The problems of one event: the first ones by JSON path and message, and the number of all.</summary>
internal sealed class ProblemList
{
    /// <summary>The most problems of an event that are named.</summary>
    public const int MaxNamed = 100;

    private readonly List<(string Path, string Message)> _named = [];

    public IReadOnlyList<(string Path, string Message)> Named => _named;

    public int Count { get; private set; }

    public void Add(string path, string message)
    {
        if (_named.Count < MaxNamed)
            _named.Add((path, message));
        Count++;
    }

    public void Add(JsonPath path, string message) => Add(_named.Count < MaxNamed ? path.ToString() : "", message);

    /// <summary>Adds so many problems. Of the sequence as many are taken as are named.</summary>
    public void Add(int count, IEnumerable<(string Path, string Message)> problems)
    {
        _named.AddRange(problems.Take(MaxNamed - _named.Count));
        Count += count;
    }
}
