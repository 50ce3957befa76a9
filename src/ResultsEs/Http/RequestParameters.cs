using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Http;

/// <summary>
/// Reads a request's path and query parameters and collects what is wrong with them, so that one answer names all of it. What
/// is wrong reads as a default value until <see cref="AreRefused"/> is asked. Parameters it is not asked for are let pass.
/// </summary>
internal sealed class RequestParameters(HttpContext http)
{
    private Dictionary<string, string[]>? _errors;

    /// <summary>Whether something is wrong: 400 (results-api.md).</summary>
    public bool AreRefused([NotNullWhen(true)] out ProblemHttpResult? problem)
    {
        problem = _errors is null ? null : Problems.BadRequest("The request's parameters are malformed.", _errors);
        return problem is not null;
    }

    /// <summary>Says what is wrong with a parameter.</summary>
    public void Refuse(string name, string message) => (_errors ??= new(StringComparer.Ordinal)).TryAdd(name, [message]);

    /// <summary>An id in the path.</summary>
    public Guid Id(string name)
    {
        if (Uuid.TryParse((string)http.Request.RouteValues[name]!, out var id))
            return id;

        Refuse(name, "must be a UUID");
        return default;
    }

    /// <summary>A UUID in the query; null when absent.</summary>
    public Guid? UuidOrNull(string name)
    {
        if (Text(name) is not { } text)
            return null;

        if (Uuid.TryParse(text, out var id))
            return id;

        Refuse(name, "must be a UUID");
        return null;
    }

    /// <summary>A UUID in the query that must be there.</summary>
    public Guid RequiredUuid(string name)
    {
        if (!http.Request.Query.ContainsKey(name))
            Refuse(name, "is required");
        return UuidOrNull(name) ?? default;
    }

    /// <summary>A whole number in the query.</summary>
    public int Number(string name, int lowest, int highest, int fallback)
    {
        if (Text(name) is not { } text)
            return fallback;

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= lowest && number <= highest)
            return number;

        Refuse(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {lowest} to {highest}"));
        return fallback;
    }

    /// <summary>A moment in the query; null when absent.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;

        if (TimestampConverter.TryParse(text, out var time))
            return time.ToUniversalTime();

        // An unescaped plus is a blank in a query, and the commonest way to get a time wrong.
        Refuse(name, text.Contains(' ', StringComparison.Ordinal) ? $"{TimestampConverter.Problem}; in a query a plus sign is written %2B" : TimestampConverter.Problem);
        return null;
    }

    /// <summary>One of these words; null when absent.</summary>
    public string? Word(string name, IReadOnlyCollection<string> words)
    {
        if (Text(name) is not { } text)
            return null;

        if (words.Contains(text, StringComparer.Ordinal))
            return text;

        Refuse(name, $"must be one of {string.Join(", ", words)}");
        return null;
    }

    /// <summary>Some of these words, each a parameter of its own; empty when absent.</summary>
    public IReadOnlyList<string> Words(string name, IReadOnlyCollection<string> words)
    {
        var values = http.Request.Query[name];
        if (values.All(value => words.Contains(value, StringComparer.Ordinal)))
            return [.. values.OfType<string>().Distinct(StringComparer.Ordinal)];

        Refuse(name, $"must be one of {string.Join(", ", words)}");
        return [];
    }

    /// <summary>A text in the query; null when absent.</summary>
    public string? Text(string name)
    {
        var values = http.Request.Query[name];
        if (values.Count > 1)
            Refuse(name, "must be there once");
        return values.Count == 1 ? values[0] : null;
    }
}
