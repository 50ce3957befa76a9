using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Privacy;

/// <summary>The records of erasures: asking for one, and how far each is.</summary>
public sealed class Erasures(NpgsqlDataSource database)
{
    private const string Columns =
        """
        r.id, r.tenant_id, r.kind, r.subject, r.requested_by, r.reason, r.requested_at, r.listed_at is null, r.letters_at is null,
        (select count(*) from results.erasure_sessions s where s.erasure_id = r.id),
        (select count(*) from results.erasure_sessions s where s.erasure_id = r.id and s.done_at is not null),
        (select coalesce(sum(s.events), 0) from results.erasure_sessions s where s.erasure_id = r.id),
        (select count(*) from results.erasure_media m where m.erasure_id = r.id)
        """;

    /// <summary>
    /// Records an erasure, from which moment on nothing of the subject is stored as it came. One that was asked for before is done again:
    /// it finds what was stored meanwhile.
    /// </summary>
    internal async Task<Guid> RequestAsync(
        Guid account, ErasureKind kind, Guid id, string by, string? reason, CancellationToken cancellation)
    {
        var tenant = Tenant.Of(account);
        var subject = kind == ErasureKind.Session ? id : Masking.PseudonymOf(tenant, id);
        return await RecordAsync(new Erasure
        {
            // The database makes one.
            ErasureId = Guid.Empty,
            Account = account,
            Kind = kind,
            Subject = subject,
            RequestedBy = by,
            Reason = reason,
            RequestedAt = default,
        }, kind == ErasureKind.Participant ? id : null, cancellation);
    }

    /// <summary>Records an erasure that a database of before may lack. Its sessions are found by the subject alone.</summary>
    internal Task<Guid> RepeatAsync(Erasure erasure, CancellationToken cancellation) =>
        RecordAsync(erasure, participant: null, cancellation);

    /// <summary>Reads an erasure; of any account when it is null.</summary>
    internal async Task<Erasure?> FindAsync(Guid? account, Guid id, CancellationToken cancellation)
    {
        var found = await database.CreateCommand(
            $"select {Columns} from results.erasures r where r.id = $1 and ($2::varchar is null or r.tenant_id = $2)")
            .ReadAllAsync([id, account is { } one ? Tenant.Of(one) : null], Read, cancellation);
        return found.FirstOrDefault();
    }

    /// <summary>Reads all erasures, the oldest first.</summary>
    internal Task<List<Erasure>> AllAsync(CancellationToken cancellation) =>
        database.CreateCommand($"select {Columns} from results.erasures r order by r.requested_at, r.id")
            .ReadAllAsync([], Read, cancellation);

    /// <summary>Reads the last erasures of an account, the latest first.</summary>
    internal Task<List<Erasure>> LatestAsync(Guid account, int limit, CancellationToken cancellation) =>
        database.CreateCommand(
            $"select {Columns} from results.erasures r where r.tenant_id = $1 order by r.requested_at desc, r.id limit $2")
            .ReadAllAsync([Tenant.Of(account), limit], Read, cancellation);

    /// <summary>Reads the erasures that something is left to be done of.</summary>
    internal Task<List<Guid>> UnfinishedAsync(bool hasStore, CancellationToken cancellation) =>
        database.CreateCommand(
            """
            select r.id from results.erasures r
            where r.listed_at is null or r.letters_at is null
              or exists (select 1 from results.erasure_sessions s where s.erasure_id = r.id and s.done_at is null)
              or ($1 and exists (select 1 from results.erasure_media m where m.erasure_id = r.id))
            order by r.requested_at
            """).ReadAllAsync([hasStore], reader => reader.GetGuid(0), cancellation);

    /// <summary>Reads the files that are still to be deleted, as keys of the bucket; if asked it forgets them.</summary>
    internal async Task<List<string>> FilesAsync(bool forgets, CancellationToken cancellation)
    {
        var files = forgets
            ? await ErasedFiles.ForgetAllAsync(database, SessionResultTable.Documents, cancellation)
            : await ErasedFiles.ReadAsync(database, SessionResultTable.Documents, cancellation);
        return
        [
            .. files.SelectMany(file => (file.Workspaces?.Select(workspace => workspace.ToString()) ?? ["(no workspace yet)"])
                .Select(folder => $"{file.Stream.Account}/{folder}/{file.Key}")),
        ];
    }

    /// <summary>Reads how many sessions of a participant lie in workspaces that the caller does not reach.</summary>
    internal async Task<long> ElsewhereAsync(Caller caller, Guid participant, CancellationToken cancellation)
    {
        var account = Tenant.Of(caller.Account);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var sessions = await Erased.StreamsOfAsync(
            connection, account, [participant, Masking.PseudonymOf(account, participant)], cancellation);
        // The primary key (tenant_id, id) finds the rows, the partial index of (tenant_id, stream_id) those of further workspaces.
        return await new NpgsqlCommand(
            $"""
            select count(distinct coalesce(d.{DocumentTable.Stream}, d.id)) from {SessionResultTable.Name} d
            where d.tenant_id = $1 and (d.id = any($2) or (d.{DocumentTable.Stream} is not null and d.{DocumentTable.Stream} = any($2)))
              and d.workspace_id is not null and d.workspace_id <> all($3)
            """, connection).ReadValueAsync<long>([account, sessions.ToArray(), caller.Workspaces], cancellation);
    }

    private async Task<Guid> RecordAsync(Erasure erasure, Guid? participant, CancellationToken cancellation)
    {
        var account = Tenant.Of(erasure.Account);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var id = await new NpgsqlCommand(
            """
            insert into results.erasures as r (id, tenant_id, kind, subject, participant_id, requested_by, reason, requested_at)
            values (
              coalesce($1::uuid, gen_random_uuid()), $2, $3, $4, $5::uuid, $6, $7::varchar,
              coalesce($8::timestamptz, clock_timestamp()))
            on conflict (tenant_id, subject) do update
            set participant_id = excluded.participant_id, listed_at = null, letters_at = null
            returning r.id
            """, connection).ReadValueAsync<Guid>(
            [
                erasure.ErasureId == Guid.Empty ? null : erasure.ErasureId,
                account,
                erasure.Kind.ToString(),
                erasure.Subject,
                participant,
                erasure.RequestedBy,
                erasure.Reason,
                erasure.RequestedAt == default ? null : erasure.RequestedAt.UtcDateTime,
            ], cancellation);
        await Erased.AddAsync(connection, account, erasure.Subject, id, cancellation);
        await transaction.CommitAsync(cancellation);
        return id;
    }

    private static Erasure Read(NpgsqlDataReader reader)
    {
        var (isUnlisted, hasLetters) = (reader.GetBoolean(7), reader.GetBoolean(8));
        var (sessions, masked, files) = (reader.GetInt64(9), reader.GetInt64(10), reader.GetInt64(12));
        return new Erasure
        {
            ErasureId = reader.GetGuid(0),
            Account = Guid.Parse(reader.GetString(1)),
            Kind = Enum.Parse<ErasureKind>(reader.GetString(2)),
            Subject = reader.GetGuid(3),
            RequestedBy = reader.GetString(4),
            Reason = reader.IsDBNull(5) ? null : reader.GetString(5),
            RequestedAt = reader.GetFieldValue<DateTimeOffset>(6),
            State = isUnlisted ? ErasureState.Listing
                : masked < sessions || hasLetters ? ErasureState.Masking
                : files > 0 ? ErasureState.Files
                : ErasureState.Done,
            Sessions = sessions,
            SessionsMasked = masked,
            EventsMasked = reader.GetInt64(11),
            FilesLeft = files,
        };
    }
}
