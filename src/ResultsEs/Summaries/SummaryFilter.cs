using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Summaries;

/// <summary>Which sessions of a test are summarised.</summary>
internal sealed record SummaryFilter
{
    private const int MaxDemographics = 20;

    /// <summary>Those with one of these; none given: all.</summary>
    public IReadOnlyList<SessionStatus> Statuses { get; init; } = [];

    public Guid? AudienceId { get; init; }

    /// <summary>Those whose participant answered all of these so.</summary>
    public IReadOnlyList<(string Code, string Value)> Demographics { get; init; } = [];

    /// <summary>Started at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Started before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>The parameters of a request.</summary>
    public static IReadOnlyList<QueryParameter> Query { get; } =
    [
        new(
            "status",
            "Only sessions with this status; repeat the parameter for several. Default: all.",
            $$"""{ "type": "array", "items": {{QueryParameter.OneOf(WireEnumConverter<SessionStatus>.AllNames)}} }"""),
        new("audienceId", "Only sessions of this audience.", QueryParameter.Uuid),
        new(
            "demographic",
            "Only sessions whose participant answered a demographic question so: its `code`, a colon, and the `value`. "
            + "Repeat the parameter for several: all must hold.",
            $$"""{ "type": "array", "maxItems": {{MaxDemographics}}, "items": { "type": "string" } }"""),
        new("from", "Only sessions that started at this moment or later.", QueryParameter.Time),
        new("to", "Only sessions that started before this moment.", QueryParameter.Time),
    ];

    /// <summary>The filter as text. A cursor is valid for one such.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(',', Statuses)} {AudienceId} {string.Join(' ', Demographics)} {From?.UtcTicks} {To?.UtcTicks}");

    public static SummaryFilter Read(RequestParameters parameters)
    {
        var filter = new SummaryFilter
        {
            Statuses =
            [
                .. parameters.Words("status", WireEnumConverter<SessionStatus>.AllNames)
                    .Select(WireEnumConverter<SessionStatus>.Value).Order(),
            ],
            AudienceId = parameters.UuidOrNull("audienceId"),
            Demographics = ReadDemographics(parameters),
            From = parameters.Time("from"),
            To = parameters.Time("to"),
        };
        if (filter.To < filter.From)
            parameters.Refuse("to", "must not be before from");
        return filter;
    }

    private static List<(string Code, string Value)> ReadDemographics(RequestParameters parameters)
    {
        var texts = parameters.Texts("demographic");
        if (texts.Count > MaxDemographics)
            parameters.Refuse("demographic", $"must be there at most {MaxDemographics} times");
        var demographics = new List<(string Code, string Value)>();
        foreach (var text in texts)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || text.Contains('\0', StringComparison.Ordinal))
                parameters.Refuse("demographic", "must be CODE:VALUE");
            else
                demographics.Add((text[..colon], text[(colon + 1)..]));
        }

        return [.. demographics.Distinct().Order()];
    }
}

/// <summary>
/// A filter as SQL over tests in workspaces, each with the numbers of the items that it asks for. What a test has no item of, none of its
/// sessions has.
/// </summary>
/// <param name="Filter">The filter.</param>
/// <param name="Tests">The numbers of the tests, of those that may have such sessions.</param>
/// <param name="Traits">Of each test the items of which its sessions have one, for each trait that is asked for.</param>
internal sealed record SummaryCondition(SummaryFilter Filter, long[] Tests, IReadOnlyDictionary<long, IReadOnlyList<int[]>> Traits)
{
    /// <summary>Whether it asks for more of a session than when it began.</summary>
    public bool IsOfSessions => Filter.Statuses.Count > 0 || HasTraits;

    private bool HasTraits => Filter.AudienceId is not null || Filter.Demographics.Count > 0;

    /// <summary>Finds the items that a filter asks for in tests.</summary>
    public static async Task<SummaryCondition> OfAsync(
        NpgsqlConnection connection, SummaryFilter filter, long[] tests, CancellationToken cancellation)
    {
        var wanted = filter.Demographics.Select(one => (Kind: SummaryItemKind.Demographic, one.Code, one.Value))
            .Concat(filter.AudienceId is { } audience ? [(SummaryItemKind.Audience, "", audience.ToString())] : []).ToList();
        if (wanted.Count == 0)
            return new SummaryCondition(filter, tests, new Dictionary<long, IReadOnlyList<int[]>>());

        // ux_summary_items_digest (test_key, part_id): what is of sessions, at most ItemUses.MaxItems.
        var found = await new NpgsqlCommand(
            $"""
            select i.test_key, i.item, f.n::int
            from {SummaryTable.Items} i
            join unnest($2, $3, $4) with ordinality f(kind, code, value, n)
              on i.kind = f.kind and case f.kind
                when {(short)SummaryItemKind.Audience} then i.data ->> 'id' = f.value
                else i.data ->> 'code' = f.code and coalesce(i.data ->> 'text', '') = f.value end
            where i.test_key = any($1) and i.part_id = '00000000-0000-0000-0000-000000000000'
            """, connection).ReadAllAsync(
            [
                tests, wanted.Select(one => (short)one.Kind).ToArray(), wanted.Select(one => one.Code).ToArray(),
                wanted.Select(one => one.Value).ToArray(),
            ],
            reader => (Test: reader.GetInt64(0), Item: reader.GetInt32(1), Wanted: reader.GetInt32(2)), cancellation);
        var traits = found.GroupBy(item => item.Test)
            .Select(items => (
                Test: items.Key,
                Lists: items.GroupBy(item => item.Wanted, item => item.Item).Select(some => some.ToArray()).ToList()))
            .Where(test => test.Lists.Count == wanted.Count)
            .ToDictionary(test => test.Test, test => (IReadOnlyList<int[]>)test.Lists);
        return new SummaryCondition(filter, [.. traits.Keys], traits);
    }

    /// <summary>A condition on rows with <c>test_key</c> and <c>start_time</c>, whose index begins with them.</summary>
    public string OfRows(NpgsqlCommand command, string row)
    {
        var sql = new StringBuilder($"{row}.test_key = any({command.Add(Tests)})");
        if (Filter.From is { } from)
            sql.Append(CultureInfo.InvariantCulture, $" and {row}.start_time >= {command.Add(from.UtcDateTime)}");
        if (Filter.To is { } to)
            sql.Append(CultureInfo.InvariantCulture, $" and {row}.start_time < {command.Add(to.UtcDateTime)}");
        return sql.ToString();
    }

    /// <summary>A condition on rows of sessions.</summary>
    public string OfSessions(NpgsqlCommand command, string row)
    {
        var sql = new StringBuilder(OfRows(command, row));
        if (Filter.Statuses.Count > 0)
            sql.Append(
                CultureInfo.InvariantCulture,
                $" and {row}.status = any({command.Add(Filter.Statuses.Select(status => (short)status).ToArray())})");
        if (HasTraits && Traits.Count > 0)
        {
            var ofTests = Traits.Select(test =>
                $"{row}.test_key = {command.Add(test.Key)} and "
                    + string.Join(" and ", test.Value.Select(items => $"{row}.traits && {command.Add(items)}")));
            sql.Append(CultureInfo.InvariantCulture, $" and (({string.Join(") or (", ofTests)}))");
        }

        return sql.ToString();
    }

    /// <summary>A condition on other rows, which name their session by <c>document_id</c>.</summary>
    public string OfSessionsRows(NpgsqlCommand command, string row)
    {
        var ofRows = OfRows(command, row);
        return !IsOfSessions
            ? ofRows
            : $"""
              {ofRows} and {row}.document_id in (
                select s.document_id from {SummaryTable.Sessions} s where {OfSessions(command, "s")})
              """;
    }
}
