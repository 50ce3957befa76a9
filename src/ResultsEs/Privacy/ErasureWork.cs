using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Media;
using ResultsEs.Sessions;

namespace ResultsEs.Privacy;

/// <summary>
/// The work of erasures: it lists sessions, masks them one transaction each, and deletes files. Each step is recorded where it is done,
/// so whoever comes next goes on, and two who work at the same time do no harm.
/// </summary>
public sealed class ErasureWork
{
    /// <summary>The name under which sessions that cannot be masked are set aside.</summary>
    internal const string WorkerName = "erasures";

    private const int SessionsAtOnce = 100;

    private static readonly Counter<long> Masked = Instruments.Meter.CreateCounter<long>(
        "results.erasure.sessions", "{session}", "Sessions masked by erasures");

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private readonly NpgsqlDataSource _database;
    private readonly StreamErasure _streams;
    private readonly ErasedLetters _letters;
    private readonly ObjectStore _files;
    private readonly ILogger<ErasureWork> _logger;

    internal ErasureWork(
        NpgsqlDataSource database, StreamErasure streams, ErasedLetters letters, ObjectStore files, ILogger<ErasureWork> logger) =>
        (_database, _streams, _letters, _files, _logger) = (database, streams, letters, files, logger);

    /// <summary>Does what is left of an erasure, but for files. Returns how many sessions are set aside.</summary>
    internal async Task<int> RunAsync(Guid erasure, ProgressReport report, CancellationToken cancellation)
    {
        report.Phase("finding sessions");
        await ListAsync(erasure, cancellation);
        report.Phase("masking");
        var failed = await MaskAsync(erasure, report, cancellation);
        await SweepLettersAsync(erasure, cancellation);
        return failed;
    }

    /// <summary>Masks one session for all erasures that it waits for; throws when that fails.</summary>
    internal async Task MaskAsync(StreamKey session, CancellationToken cancellation)
    {
        var erasures = await _database.CreateCommand(
            "select s.erasure_id from results.erasure_sessions s where s.tenant_id = $1 and s.session_id = $2 and s.done_at is null")
            .ReadAllAsync([session.Account, session.Id], reader => reader.GetGuid(0), cancellation);
        foreach (var erasure in erasures)
            await _streams.MaskAsync(SessionResultTable.Documents, session, erasure, cancellation);
    }

    private async Task ListAsync(Guid erasure, CancellationToken cancellation)
    {
        var rows = await _database.CreateCommand(
            """
            select r.tenant_id, r.kind, r.subject, r.participant_id, clock_timestamp() from results.erasures r
            where r.id = $1 and r.listed_at is null
            """).ReadAllAsync(
            [erasure],
            reader => (
                Account: reader.GetString(0), Kind: Enum.Parse<ErasureKind>(reader.GetString(1)), Subject: reader.GetGuid(2),
                Participant: reader.IsDBNull(3) ? (Guid?)null : reader.GetGuid(3), Now: reader.GetFieldValue<DateTimeOffset>(4)),
            cancellation);
        if (rows is not [var (account, kind, subject, participant, now)])
            return;

        // A writer that looked for erasures before this one was recorded has ended by then, and its events are seen below.
        while (await ChangeClock.CompleteToAsync(_database, cancellation) <= now)
            await Task.Delay(BetweenLooks, cancellation);

        await using var connection = await _database.OpenConnectionAsync(cancellation);
        var sessions = kind == ErasureKind.Session
            ? [subject]
            : await Erased.StreamsOfAsync(
                connection, account, await ParticipantsAsync(connection, account, subject, participant, cancellation), cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(
            """
            insert into results.erasure_sessions as s (erasure_id, tenant_id, session_id) select $1, $2, unnest($3)
            on conflict (erasure_id, session_id) do update set done_at = null
            """, [erasure, account, sessions.ToArray()], cancellation);
        // From here on nothing needs the participant's id.
        await connection.ExecuteAsync(
            "update results.erasures r set listed_at = clock_timestamp(), participant_id = null where r.id = $1", [erasure], cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>The ids of the participant; without the one that was sent, those whose pseudonym is the subject.</summary>
    private static async Task<IReadOnlyCollection<Guid>> ParticipantsAsync(
        NpgsqlConnection connection, string account, Guid subject, Guid? participant, CancellationToken cancellation)
    {
        if (participant is { } known)
            return [known];

        var all = await Erased.ParticipantsAsync(connection, account, cancellation);
        return [.. all.Where(id => Masking.PseudonymOf(account, id) == subject)];
    }

    private async Task<int> MaskAsync(Guid erasure, ProgressReport report, CancellationToken cancellation)
    {
        var (failed, done, last) = (0, 0L, Guid.Empty);
        while (await WaitingAsync(erasure, last, cancellation) is { Count: > 0 } some)
        {
            foreach (var session in some)
            {
                try
                {
                    await _streams.MaskAsync(SessionResultTable.Documents, session, erasure, cancellation);
                    Masked.Add(1);
                    report.Done(++done, ProgressReport.Unknown, "sessions");
                }
                catch (Exception e) when (TakenApart.IsItemsOwn(e))
                {
                    failed++;
                    await SetAside.AddAsync(_database, _logger, WorkerName, session, e, cancellation);
                }
            }

            last = some[^1].Id;
        }

        return failed;
    }

    private Task<List<StreamKey>> WaitingAsync(Guid erasure, Guid after, CancellationToken cancellation) =>
        _database.CreateCommand(
            """
            select s.tenant_id, s.session_id from results.erasure_sessions s
            where s.erasure_id = $1 and s.session_id > $2 and s.done_at is null order by s.session_id limit $3
            """).ReadKeysAsync([erasure, after, SessionsAtOnce], cancellation);

    private async Task SweepLettersAsync(Guid erasure, CancellationToken cancellation)
    {
        var waiting = await _database.CreateCommand(
            """
            select r.tenant_id, array(
              select o.id from results.erasures o where o.tenant_id = r.tenant_id and o.letters_at is null and o.listed_at is not null)
            from results.erasures r where r.id = $1 and r.letters_at is null
            """).ReadAllAsync([erasure], reader => (Account: reader.GetString(0), All: reader.GetFieldValue<Guid[]>(1)), cancellation);
        // One look serves all of the account that were listed before it.
        foreach (var (account, all) in waiting)
        {
            await _letters.SweepAsync(account, cancellation);
            await using var connection = await _database.OpenConnectionAsync(cancellation);
            await connection.ExecuteAsync(
                "update results.erasures r set letters_at = clock_timestamp() where r.id = any($1)", [all], cancellation);
        }
    }

    /// <summary>
    /// Deletes the files of all erasures, in the folder of each workspace that the session is or was in. Without a store, or while the
    /// session has not started, they stay listed. Throws when the store does not answer.
    /// </summary>
    internal async Task DeleteFilesAsync(CancellationToken cancellation)
    {
        if (!_files.IsConfigured)
            return;

        foreach (var file in await ErasedFiles.ReadAsync(_database, SessionResultTable.Documents, cancellation))
        {
            if (file.Workspaces is null)
                continue;

            foreach (var workspace in file.Workspaces)
                await _files.DeleteAsync(file.Stream.Account, workspace, file.Key, cancellation);
            await ErasedFiles.ForgetAsync(_database, file, cancellation);
        }
    }
}
