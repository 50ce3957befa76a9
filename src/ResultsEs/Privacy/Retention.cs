using ResultsEs.EventStore;
using ResultsEs.Exports;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Media;
using ResultsEs.Sessions;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;

namespace ResultsEs.Privacy;

/// <summary>Finds what is older than its rule says, and erases or deletes it, up to the limit of an hour.</summary>
internal sealed class Retention(
    NpgsqlDataSource database, IOptions<RetentionOptions> options, Erasures erasures, ErasureWork work, StreamRemoval removal,
    ObjectStore files, ExportQueue exports, IMessageStore messages, TimeProvider time)
{
    private const string By = "retention";

    private static readonly Counter<long> Sessions = Instruments.Meter.CreateCounter<long>(
        "results.retention.sessions", "{session}", "Sessions erased or deleted because they were old");

    private static readonly Counter<long> Letters = Instruments.Meter.CreateCounter<long>(
        "results.retention.dead_letters", "{message}", "Dead letters discarded because they were old");

    /// <summary>Does what is due, or only counts it. Returns a line for each rule.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(bool isDry, CancellationToken cancellation)
    {
        var lines = new List<string>();
        var left = isDry ? int.MaxValue : options.Value.SessionsPerHour - await DoneInHourAsync(cancellation);
        foreach (var rule in options.Value.Rules)
        {
            var sessions = rule.SessionDays is { } days ? await OldAsync(rule, Before(days), Math.Max(0, left), cancellation) : [];
            var letters = rule.DeadLetterDays is { } letterDays ? await OldLettersAsync(rule, Before(letterDays), cancellation) : [];
            if (!isDry)
            {
                await RemoveAsync(rule, sessions, cancellation);
                await DiscardAsync(letters, cancellation);
            }

            left -= sessions.Count;
            lines.Add(
                $"account {rule.Account}{(rule.Test is { } test ? $", test {test}" : "")}: {sessions.Count} sessions to "
                + $"{rule.Action.ToString().ToLowerInvariant()}, {letters.Count} dead letters to discard");
        }

        // Behind all rules: what is to be removed does not wait for a store that is away.
        if (!isDry && files.IsConfigured && options.Value.Rules.Any(rule => rule.Action == RetentionAction.Delete))
            await work.DeleteFilesAsync(cancellation);
        return lines;
    }

    private DateTime Before(int days) => time.GetUtcNow().UtcDateTime.AddDays(-days);

    /// <summary>The limit holds over restarts and nodes, because what was done is in the database.</summary>
    private async Task<int> DoneInHourAsync(CancellationToken cancellation) => (int)await database.CreateCommand(
        """
        select (select count(*) from results.erasures r where r.requested_by = $1 and r.requested_at > now() - interval '1 hour')
          + (select count(*) from results.tombstones t where t.removed_at > now() - interval '1 hour')
        """).ReadValueAsync<long>([By], cancellation);

    private Task<List<StreamKey>> OldAsync(RetentionRule rule, DateTime before, int limit, CancellationToken cancellation)
    {
        Guid[] otherTests = [.. options.Value.Rules.Where(one => one.Account == rule.Account).Select(one => one.Test).OfType<Guid>()];
        // The primary keys (tenant_id, id). All sessions of the account are looked at, once an hour.
        var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id
            from {StreamLog.Table} s
            left join {SessionResultTable.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
            where s.tenant_id = $1 and s.type = '{SessionResultTable.StreamType}' and s.timestamp < $2
              and (d.test_id = $3::uuid or ($3::uuid is null and (d.test_id is null or d.test_id <> all($4))))
              and ($5 or not exists (select 1 from results.erased e where e.tenant_id = s.tenant_id and e.subject = s.id))
            order by s.id limit $6
            """);
        command.CommandTimeout = 0;
        return command.ReadKeysAsync(
            [Tenant.Of(rule.Account), before, rule.Test, otherTests, rule.Action == RetentionAction.Delete, limit], cancellation);
    }

    private async Task<IReadOnlyList<Guid>> OldLettersAsync(RetentionRule rule, DateTime before, CancellationToken cancellation)
    {
        var ids = await database.CreateCommand(
            $"select id from {MartenSetup.Schema}.wolverine_dead_letters where message_type = $1 and failed_at < $2")
            .ReadAllAsync([SessionEventsDelivery.Name, before], reader => reader.GetGuid(0), cancellation);
        var old = new List<Guid>();
        foreach (var id in ids)
        {
            if ((await messages.DeadLetters.DeadLetterEnvelopeByIdAsync(id))?.Envelope.TenantId == Tenant.Of(rule.Account))
                old.Add(id);
        }

        return old;
    }

    private async Task RemoveAsync(RetentionRule rule, IReadOnlyList<StreamKey> sessions, CancellationToken cancellation)
    {
        var before = Before(rule.SessionDays ?? 0);
        if (rule.Action == RetentionAction.Delete)
        {
            var id = await database.NewIdAsync(cancellation);
            foreach (var session in sessions)
            {
                if (!await removal.RemoveAsync(SessionResultTable.Documents, session, before, id, cancellation))
                    continue;

                await exports.NoteErasedAsync(session.Account, cancellation);
                Count(rule);
            }

            return;
        }

        var asked = new List<Guid>();
        foreach (var session in sessions)
            asked.Add(await erasures.RequestAsync(
                rule.Account, ErasureKind.Session, session.Id, By, $"older than {rule.SessionDays} days", cancellation));
        foreach (var erasure in asked)
        {
            await work.RunAsync(erasure, ProgressReport.Silent, cancellation);
            Count(rule);
        }
    }

    private async Task DiscardAsync(IReadOnlyList<Guid> letters, CancellationToken cancellation)
    {
        foreach (var some in letters.Chunk(100))
        {
            await messages.DeadLetters.DiscardAsync(new DeadLetterEnvelopeQuery(some), cancellation);
            Letters.Add(some.Length);
        }
    }

    private static void Count(RetentionRule rule) =>
        Sessions.Add(1, KeyValuePair.Create<string, object?>("results.action", rule.Action.ToString().ToLowerInvariant()));
}
