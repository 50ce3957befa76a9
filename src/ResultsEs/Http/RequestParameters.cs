using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;

namespace ResultsEs.Http;

/// <summary>
/// The path and query parameters of a request, and what is wrong with them: one response names all of it. A wrong parameter reads as a
/// default value until <see cref="AreRefused"/> is asked. Parameters that nobody reads are ignored.
/// </summary>
internal sealed class RequestParameters(HttpContext http)
{
    /// <summary>The most characters of a text to look for.</summary>
    public const int MaxSought = 200;

    // More parameters than any endpoint has. Names are the caller's where a parameter is spelled as a list.
    private const int MaxNamed = 20;
    private const int MaxName = 100;

    private Dictionary<string, string[]>? _errors;
    private int _more;

    /// <summary>True when a parameter is wrong; the response is then <paramref name="problem"/>, a 400.</summary>
    public bool AreRefused([NotNullWhen(true)] out ProblemHttpResult? problem)
    {
        var rest = _more == 0 ? "" : $" And {_more} more problems, which are not named.";
        problem = _errors is null ? null : Problems.BadRequest($"The request's parameters are malformed.{rest}", _errors);
        return problem is not null;
    }

    /// <summary>Records what is wrong with a parameter; the first message for a name counts.</summary>
    public void Refuse(string name, string message)
    {
        _errors ??= new(StringComparer.Ordinal);
        if (_errors.Count < MaxNamed)
            _errors.TryAdd(Printable.Excerpt(name, MaxName), [message]);
        else if (!_errors.ContainsKey(name))
            _more++;
    }

    /// <summary>Reads a UUID of the path.</summary>
    public Guid Id(string name) =>
        Uuid.TryParse((string)http.Request.RouteValues[name]!, out var id) ? id : Refused<Guid>(name, "must be a UUID");

    public Guid? UuidOrNull(string name) => Text(name) switch
    {
        null => null,
        { } text when Uuid.TryParse(text, out var id) => id,
        _ => Refused<Guid?>(name, "must be a UUID"),
    };

    public Guid RequiredUuid(string name)
    {
        var value = UuidOrNull(name);
        if (!http.Request.Query.ContainsKey(name))
            Refuse(name, "is required");
        return value ?? default;
    }

    public int Number(string name, int lowest, int highest, int fallback) => Text(name) switch
    {
        null => fallback,
        { } text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= lowest && number <= highest => number,
        _ => Refused(name, $"must be a whole number from {lowest} to {highest}", fallback),
    };

    /// <summary>Reads a time of the query, as UTC; null when absent.</summary>
    public DateTimeOffset? Time(string name) => Text(name) switch
    {
        null => null,
        { } text when TimestampConverter.TryParse(text, out var time) => time.ToUniversalTime(),
        // An unescaped plus is a blank in a query, and the commonest way to get a time wrong.
        { } text when text.Contains(' ', StringComparison.Ordinal) =>
            Refused<DateTimeOffset?>(name, $"{TimestampConverter.Problem}; in a query a plus sign is written %2B"),
        _ => Refused<DateTimeOffset?>(name, TimestampConverter.Problem),
    };

    public string? Word(string name, IReadOnlyCollection<string> words) => Text(name) switch
    {
        null => null,
        { } text when words.Contains(text, StringComparer.Ordinal) => text,
        _ => Refused<string>(name, $"must be one of {string.Join(", ", words)}"),
    };

    /// <summary>Reads some of these words, each a parameter of its own, also spelled <c>name[]</c>; empty when absent.</summary>
    public IReadOnlyList<string> Words(string name, IReadOnlyCollection<string> words)
    {
        RefuseBrackets(name, isList: true);
        var values = StringValues.Concat(http.Request.Query[name], http.Request.Query[name + "[]"]);
        if (values.All(value => words.Contains(value, StringComparer.Ordinal)))
            return [.. values.OfType<string>().Distinct(StringComparer.Ordinal)];

        Refuse(name, $"must be one of {string.Join(", ", words)}");
        return [];
    }

    /// <summary>Reads some texts, each a parameter of its own, also spelled <c>name[]</c>; empty when absent.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        RefuseBrackets(name, isList: true);
        return [.. StringValues.Concat(http.Request.Query[name], http.Request.Query[name + "[]"]).OfType<string>()];
    }

    /// <summary>Reads a cursor of one list, which is its name and filters; null when absent. Else <paramref name="problem"/>.</summary>
    public Cursor? CursorOrNull(string name, string list, string problem) => Text(name) switch
    {
        null => null,
        { } text when Cursor.TryRead(text, list, out var cursor) => cursor,
        _ => Refused<Cursor?>(name, problem),
    };

    /// <summary>Reads a text of the query; null when absent.</summary>
    public string? Text(string name)
    {
        RefuseBrackets(name, isList: false);
        var values = http.Request.Query[name];
        if (values.Count > 1)
            Refuse(name, "must be there once");
        return values.Count == 1 ? values[0] : null;
    }

    /// <summary>
    /// Reads a text to look for: at most <see cref="MaxSought"/> characters, not all of them blanks. Line breaks and tabs are blanks;
    /// there are no other control characters. Null when absent.
    /// </summary>
    public string? Sought(string name, bool isRequired = false)
    {
        var text = Text(name);
        if (string.IsNullOrWhiteSpace(text))
        {
            if (isRequired)
                Refuse(name, "is required");
            else if (text is not null)
                Refuse(name, "must not be blank");
        }
        else if (JsonText.Characters(text) > MaxSought)
            Refuse(name, $"must have at most {MaxSought} characters");
        else if (text.Any(static letter => char.IsControl(letter) && !char.IsWhiteSpace(letter)))
            Refuse(name, "must not have control characters");
        return text;
    }

    /// <summary>Refuses <c>name[…]</c>, as query builders spell lists. Ignored, it would widen what is asked for.</summary>
    private void RefuseBrackets(string name, bool isList)
    {
        foreach (var key in http.Request.Query.Keys)
        {
            if (key.Length > name.Length && key[name.Length] == '[' && key.StartsWith(name, StringComparison.OrdinalIgnoreCase)
                && !(isList && key.AsSpan(name.Length) is "[]"))
                Refuse(key, isList ? $"is not a parameter; write {name}= once for each value" : $"is not a parameter; write {name}=");
        }
    }

    private T? Refused<T>(string name, string message, T? value = default)
    {
        Refuse(name, message);
        return value;
    }
}
