using FluentValidation.Internal;

namespace ResultsEs.Common;

/// <summary>Rules for a type on the wire. A problem is a JSON path (<c>answer.score</c>) and a message such as "must be …".</summary>
internal abstract class WireValidator<T> : AbstractValidator<T>
{
    static WireValidator() =>
        ValidatorOptions.Global.PropertyNameResolver = (_, _, member) => member is null
            ? null
            : string.Join('.', PropertyChain.FromExpression(member).ToString().Split('.').Select(JsonNamingPolicy.CamelCase.ConvertName));
}

/// <summary>Rules that events and answers share. Absent optional members pass.</summary>
internal static class WireRules
{
    /// <summary>A text that a person wrote, said or read; at most 100,000 characters.</summary>
    public static IRuleBuilderOptions<T, string?> FreeText<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Characters(0, 100_000).WithMessage("must have at most 100,000 characters, not {TotalLength}");

    /// <summary>A short text, at most 1,000 characters.</summary>
    public static IRuleBuilderOptions<T, string?> Label<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Characters(0, 1_000).WithMessage("must have at most 1,000 characters, not {TotalLength}");

    /// <summary>A recorder's own id or name: 1–200 characters.</summary>
    public static IRuleBuilderOptions<T, string?> ShortId<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Characters(1, 200).WithMessage("must have 1 to 200 characters, not {TotalLength}");

    public static IRuleBuilderOptions<T, Guid> Uuid<T>(this IRuleBuilder<T, Guid> rule) =>
        rule.NotEqual(Guid.Empty).WithMessage("must not be the nil UUID");

    public static IRuleBuilderOptions<T, Guid?> Uuid<T>(this IRuleBuilder<T, Guid?> rule) =>
        rule.NotEqual(Guid.Empty).WithMessage("must not be the nil UUID");

    /// <summary>An absolute URL of any scheme, because a browser may end at <c>about:blank</c>.</summary>
    public static IRuleBuilderOptions<T, string?> AbsoluteUrl<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(url => url is null || IsAbsolute(url, out _)).WithMessage("must be an absolute URL of at most 8,192 characters");

    /// <summary>An absolute http or https URL, for links that a reader of the result opens.</summary>
    public static IRuleBuilderOptions<T, string?> WebUrl<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(url => url is not null && IsAbsolute(url, out var uri) && uri.Scheme is "http" or "https")
            .WithMessage("must be an absolute http or https URL of at most 8,192 characters");

    public static IRuleBuilderOptions<T, long> Offset<T>(this IRuleBuilder<T, long> rule) =>
        rule.GreaterThanOrEqualTo(0).WithMessage("must be 0 or more milliseconds since the session's start, not {PropertyValue}");

    public static IRuleBuilderOptions<T, long> NotBefore<T>(this IRuleBuilder<T, long> rule, Func<T, long> start, string name) =>
        rule.Must((item, end) => end >= start(item)).WithMessage($"must not be before {name}");

    public static IRuleBuilderOptions<T, decimal> Score<T>(this IRuleBuilder<T, decimal> rule) =>
        rule.InclusiveBetween(0, 100).WithMessage("must be from 0 to 100, not {PropertyValue}");

    public static IRuleBuilderOptions<T, decimal?> Score<T>(this IRuleBuilder<T, decimal?> rule) =>
        rule.InclusiveBetween(0, 100).WithMessage("must be from 0 to 100, not {PropertyValue}");

    public static IRuleBuilderOptions<T, decimal> Fraction<T>(this IRuleBuilder<T, decimal> rule) =>
        rule.InclusiveBetween(0, 1).WithMessage("must be a fraction from 0 to 1, not {PropertyValue}");

    public static IRuleBuilderOptions<T, decimal?> Fraction<T>(this IRuleBuilder<T, decimal?> rule) =>
        rule.InclusiveBetween(0, 1).WithMessage("must be a fraction from 0 to 1, not {PropertyValue}");

    public static IRuleBuilderOptions<T, IReadOnlyList<TItem>> DistinctBy<T, TItem>(
        this IRuleBuilder<T, IReadOnlyList<TItem>> rule, Func<TItem, string> key, string what) =>
        rule.Must(items => items.Select(key).Distinct(StringComparer.Ordinal).Count() == items.Count)
            .WithMessage($"must have distinct {what}");

    // FluentValidation counts UTF-16 units, which no sender sees.
    private static IRuleBuilderOptions<T, string?> Characters<T>(this IRuleBuilder<T, string?> rule, int least, int most) =>
        rule.Must((_, text, context) =>
        {
            if (text is null || (text.Length >= least && text.Length <= most))
                return true;

            var count = JsonText.Characters(text);
            context.MessageFormatter.AppendArgument("TotalLength", count);
            return count >= least && count <= most;
        });

    // Uri takes a Unix path for a file URL and ignores blanks around a URL.
    private static bool IsAbsolute(string url, [NotNullWhen(true)] out Uri? uri)
    {
        uri = null;
        return JsonText.Characters(url) <= 8_192 && Uri.TryCreate(url, UriKind.Absolute, out uri)
            && url.StartsWith($"{uri.Scheme}:", StringComparison.OrdinalIgnoreCase) && !char.IsWhiteSpace(url[^1]);
    }
}

internal sealed class CueValidator : WireValidator<Cue>
{
    public CueValidator()
    {
        RuleFor(x => x.StartMs).Offset();
        RuleFor(x => x.EndMs).NotBefore(x => x.StartMs, "startMs");
        RuleFor(x => x.Text).FreeText();
    }
}
