using System.Text.RegularExpressions;

namespace ResultsEs.EventStore;

/// <summary>
/// What stands in the place of personal data, and the numbers of what has to stay apart: equal ids stay equal, clicks that were
/// beside each other stay two. Owned by the masking of one stream.
/// </summary>
/// <param name="account">The account, whose participants get pseudonyms of their own.</param>
internal sealed partial class Masking(string account)
{
    /// <summary>Stands in the place of a text that must be there, and of an object's key.</summary>
    public const string Text = "(erased)";

    /// <summary>Stands in the place of a URL that must be there.</summary>
    public const string Url = "https://erased.invalid/";

    /// <summary>Stands in the place of an event's <c>source</c>.</summary>
    public const string Source = "/erased";

    // Farther than a click may move.
    private const int BetweenPoints = 10;

    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, (FigmaVector Last, int Number)> _points = [];

    /// <summary>The pseudonym that stands in the place of a participant's id: the same in all sessions of the account.</summary>
    public static Guid PseudonymOf(string account, Guid participant)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes($"{account}/{participant:D}"), hash);
        // A UUID of version 8, which an application defines (RFC 9562, 5.8).
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>The order in which events are masked. Clicks are told apart as the fold tells them: by their moments.</summary>
    public static IEnumerable<T> InOrder<T>(IEnumerable<T> events, Func<T, (StreamEvent Data, Guid Id)> of) => events
        .OrderBy(e => of(e).Data is FigmaInteractionRecorded interaction ? interaction.AtMs : 0).ThenBy(e => of(e).Id);

    public Guid Participant(Guid id) => PseudonymOf(account, id);

    /// <summary>Text for a text that may be absent.</summary>
    public static string? OrNull(string? text) => text is null ? null : Text;

    /// <summary>An id of the test: itself when it is a code such as <c>opt-3</c>, which holds no words; else a number.</summary>
    public string Id(string id)
    {
        if (Code().IsMatch(id))
            return id;
        if (!_ids.TryGetValue(id, out var masked))
            _ids.Add(id, masked = string.Create(CultureInfo.InvariantCulture, $"erased-{_ids.Count + 1}"));
        return masked;
    }

    /// <summary>The place of a click: a number that changes when the pointer moved more than <paramref name="nearby"/> pixels.</summary>
    public FigmaVector? Point(Guid task, FigmaVector? point, double nearby)
    {
        if (point is null)
            return null;

        var isKnown = _points.TryGetValue(task, out var held);
        var isNear = isKnown && IsNear(point.X, held.Last.X) && IsNear(point.Y, held.Last.Y);
        var number = isNear || !isKnown ? held.Number : held.Number + 1;
        _points[task] = (point, number);
        return new FigmaVector { X = number * BetweenPoints, Y = 0 };

        bool IsNear(decimal one, decimal other) => Math.Abs((double)one - (double)other) <= nearby;
    }

    [GeneratedRegex(
        @"\A([A-Za-z]{0,3}[-_.]?[0-9]{1,6}([:;.][0-9]{1,6})*|[A-Za-z]{1,2}|erased-[0-9]+"
        + @"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Code();
}
