using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Exports;

/// <summary>More tasks and options than a wide file has columns.</summary>
internal sealed class TooWideException()
    : Exception($"The test has more than {WidePlan.MaxColumns} tasks and options, which is more than a spreadsheet has columns.");

/// <summary>Makes files of tables for whoever asks: a response, a job, or a command.</summary>
public sealed class TableExports
{
    private readonly ReadDatabase _database;
    private readonly ExportWalk _walk;
    private readonly SessionSource _source;

    internal TableExports(ReadDatabase database, ChangeFeed feed, ILogger<SessionSource> logger)
    {
        (_database, _source) = (database, new SessionSource(database, logger));
        _walk = new ExportWalk(_source, new SessionEvents(database), feed);
    }

    /// <inheritdoc cref="ExportWalk.BeginAsync"/>
    internal Task<ExportRange> BeginAsync(ExportScope scope, ChangeCursor? since, CancellationToken cancellation) =>
        _walk.BeginAsync(scope, since, cancellation);

    /// <inheritdoc cref="ExportWalk.WalkAsync"/>
    internal IAsyncEnumerable<ExportPlace> WalkAsync(
        ExportScope scope, ExportRange range, ExportPlace from, TableSet tables, CancellationToken cancellation) =>
        _walk.WalkAsync(scope, range, from, tables, tables.FlushAsync, cancellation);

    /// <inheritdoc cref="SessionSource.CountAsync"/>
    internal Task<long> CountAsync(ExportScope scope, CancellationToken cancellation) => _source.CountAsync(scope, cancellation);

    /// <summary>True when the test is defined or has a started session in one of the workspaces.</summary>
    internal async Task<bool> IsKnownAsync(ExportScope scope, CancellationToken cancellation) =>
        scope.TestId is not { } test
        || await _database.Primary.CreateCommand(
            $"""
            select exists (select 1 from unnest($2::uuid[]) w(id) cross join lateral ({TestExists.Sql("$1", "w.id", "$3")}) one)
            """).ReadValueAsync<bool>([scope.Tenant, scope.Workspaces, test], cancellation);

    /// <summary>Finds the columns of the wide format, which takes a walk of its own over the test's sessions.</summary>
    /// <exception cref="TooWideException">There are too many.</exception>
    internal async Task<WidePlan> PlanAsync(ExportScope scope, CancellationToken cancellation)
    {
        var planner = new WidePlanner(await DefinitionAsync(scope, cancellation));
        var after = Guid.Empty;
        while (await _source.KeysAsync(scope, after, cancellation) is { Count: > 0 } keys)
        {
            for (var at = 0; at < keys.Count;)
                at += await _source.ReadAsync(
                    scope, ExportWalk.PageOf(keys, at), _ => true, session => planner.See(session), _ => { }, cancellation);
            after = keys[^1];
            if (planner.IsOver)
                throw new TooWideException();
        }

        return planner.IsOver ? throw new TooWideException() : planner.Plan();
    }

    /// <summary>The names of the workspaces of an account that have sessions. Skips along ix_session_result_2_list.</summary>
    internal Task<List<Guid>> WorkspacesAsync(Guid account, CancellationToken cancellation) =>
        _database.Primary.CreateCommand(
            $"""
            with recursive w(id) as (
              (select d.workspace_id from {Sessions.SessionResultTable.Name} d
               where d.tenant_id = $1 and d.workspace_id is not null order by d.workspace_id limit 1)
              union all
              select (
                select d.workspace_id from {Sessions.SessionResultTable.Name} d
                where d.tenant_id = $1 and d.workspace_id > w.id order by d.workspace_id limit 1)
              from w where w.id is not null)
            select w.id from w where w.id is not null
            """).ReadAllAsync([Tenant.Of(account)], reader => reader.GetGuid(0), cancellation);

    private async Task<TestDefinition?> DefinitionAsync(ExportScope scope, CancellationToken cancellation)
    {
        if (scope.TestId is not { } test)
            return null;

        var found = await _database.Primary.CreateCommand(TestDefinitionTable.Sql("x.data", "$1", "$3", "any($2)"))
            .ReadAllAsync([scope.Tenant, scope.Workspaces, test], reader => reader.GetFieldValue<byte[]>(0), cancellation);
        return found is [var json, ..] ? JsonSerializer.Deserialize(json, Json.Of<TestDefinition>()) : null;
    }
}
