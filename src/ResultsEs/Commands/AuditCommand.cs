using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Commands;

public sealed class AuditInput : DatabaseInput
{
    [Description("Only entries of this account")]
    public string? AccountFlag { get; set; }

    [Description("Only entries of this client, or of an operator: \"operator NAME\"")]
    public string? ClientFlag { get; set; }

    [Description("Only entries of this session, test, participant or client")]
    public string? SubjectFlag { get; set; }

    [Description("Only entries of this kind: token, refusal, read, export, access, erasure, command")]
    public string? KindFlag { get; set; }

    [Description("Only entries since this moment, such as 2026-03-01T00:00:00Z, or for so long: 90m, 24h, 30d; default 24h")]
    public string SinceFlag { get; set; } = "24h";

    [Description("The most entries, the latest of them; default 1000")]
    public int LimitFlag { get; set; } = 1_000;

    [Description("Print JSON, an object a line")]
    public bool JsonFlag { get; set; }
}

/// <summary>Prints the audit: who did what, of what, from where, and how it ended.</summary>
[Description("Show who did what: tokens, refusals, reads, exports, changes of access, erasures, commands", Name = "audit")]
public sealed class AuditCommand : DatabaseCommand<AuditInput>
{
    // By ix_audit_at: the other columns are compared for what lies in the time that is asked.
    private const string Sql =
        $"""
        select a.at, a.kind, a.action, a.outcome, a.account, a.client, a.subject, a.address, a.times
        from (
          select * from {Audit.Table} a
          where a.at >= $1 and ($2::uuid is null or a.account = $2) and ($3::varchar is null or a.client = $3)
            and ($4::varchar is null or a.subject = $4) and ($5::varchar is null or a.kind = $5)
          order by a.at desc limit $6) a
        order by a.at
        """;

    private static readonly string[] Names = ["at", "kind", "action", "outcome", "account", "client", "subject", "address", "times"];

    private protected override string? ProblemOf(AuditInput input) =>
        ProblemOfId("--account", input.AccountFlag)
        ?? (SinceOf(input.SinceFlag, DateTimeOffset.MaxValue) is null
            ? "--since must be a moment with an offset, or a number with m, h or d."
            : input.LimitFlag < 1 ? "--limit must be 1 or more." : null);

    private protected override async Task<ExitCode> RunAsync(AuditInput input, IServiceProvider services)
    {
        await using var command = services.GetRequiredService<NpgsqlDataSource>().CreateCommand(Sql);
        command.CommandTimeout = 0;
        command.Parameters.AddAll(
            SinceOf(input.SinceFlag, services.GetRequiredService<TimeProvider>().GetUtcNow())!.Value,
            input.AccountFlag is null ? null : Guid.Parse(input.AccountFlag),
            input.ClientFlag,
            input.SubjectFlag?.ToLowerInvariant() is var subject && Uuid.TryParse(subject ?? "", out _) ? subject : input.SubjectFlag,
            input.KindFlag,
            input.LimitFlag);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var values = Names.Select((_, column) => reader.IsDBNull(column) ? null : Text(reader.GetValue(column))).ToArray();
            Say(input.JsonFlag ? Json(values) : Line(values));
        }

        return ExitCode.Success;
    }

    /// <summary>The moment that <c>--since</c> names; null when it names none.</summary>
    internal static DateTimeOffset? SinceOf(string text, DateTimeOffset now)
    {
        if (TimestampConverter.TryParse(text, out var moment))
            return moment.ToUniversalTime();
        if (text.Length is < 2 or > 7 || !uint.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return null;

        return text[^1] switch
        {
            'm' => now.AddMinutes(-number),
            'h' => now.AddHours(-number),
            'd' => now.AddDays(-number),
            _ => null,
        };
    }

    private static string Text(object value) => value is DateTime at
        ? MillisecondsUtcConverter.Text(new DateTimeOffset(at.ToUniversalTime()))
        : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static string Line(string?[] values) =>
        string.Join("  ", values[..^1].Select(value => value ?? "-")) + (values[^1] == "1" ? "" : $"  ×{values[^1]}");

    private static string Json(string?[] values) => new JsonObject(
        Names.Zip(values).Select(item => KeyValuePair.Create(item.First, item.First == "times"
            ? JsonValue.Create(int.Parse(item.Second!, CultureInfo.InvariantCulture))
            : (JsonNode?)JsonValue.Create(item.Second)))).ToJsonString();
}
