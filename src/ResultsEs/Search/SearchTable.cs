using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Search;

/// <summary>A document whose texts are stored: its key, its session's, and where it belongs.</summary>
internal sealed record SearchedDocument(Guid Key, Guid Session, Guid Workspace, Guid Test, IReadOnlyList<SearchText> Texts);

/// <summary>Writes to the tables of search.</summary>
internal static class SearchTable
{
    public const string Texts = "results.search_texts";
    public const string Languages = "results.search_languages";

    /// <summary>How far each account's texts are.</summary>
    public static readonly FeedProgress Progress = new("results.search_progress");

    /// <summary>The locks of sessions' texts.</summary>
    public static readonly SessionLocks Locks = new(1380274503);

    /// <summary>
    /// Takes the texts of sessions that are erased or removed away, in the transaction that does it. Other changes come with the feed.
    /// </summary>
    public static async Task RemoveErasedAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, CancellationToken cancellation)
    {
        // The primary key (tenant_id, session_id, part).
        foreach (var (account, sessions) in await Locks.TakeErasedAsync(connection, changed, cancellation))
            await connection.ExecuteAsync(
                $"delete from {Texts} t where t.tenant_id = $1 and t.session_id = any($2)", [account, sessions], cancellation);
    }

    /// <summary>Deletes the texts of an account (null: of all).</summary>
    public static async Task DeleteAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation)
    {
        foreach (var table in new[] { Texts, Languages })
            await connection.ExecuteAsync(
                $"delete from {table} t where $1::varchar is null or t.tenant_id = $1", [account], cancellation);
    }

    /// <summary>Makes the texts of these sessions those of their documents. What is there already stays as it is.</summary>
    public static async Task ReplaceAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<SearchedDocument> documents,
        CancellationToken cancellation)
    {
        var rows = documents.SelectMany(document => document.Texts.Select(text => (
            Document: document, Text: text, Part: text.Part(document.Workspace, document.Test)))).DistinctBy(row => row.Part).ToList();
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            $"delete from {Texts} t where t.tenant_id = $1 and t.session_id = any($2) and t.part <> all($3)",
            [account, sessions, rows.Select(row => row.Part).ToArray()]);
        if (rows.Count > 0)
        {
            batch.Add(InsertSql,
            [
                account,
                rows.Select(row => row.Document.Session).ToArray(),
                rows.Select(row => row.Part).ToArray(),
                rows.Select(row => row.Document.Key).ToArray(),
                rows.Select(row => row.Document.Workspace).ToArray(),
                rows.Select(row => row.Document.Test).ToArray(),
                rows.Select(row => row.Text.TaskId ?? Guid.Empty).ToArray(),
                rows.Select(row => row.Text.Kind.ToString()).ToArray(),
                rows.Select(row => row.Text.Language).ToArray(),
                rows.Select(row => row.Text.At.UtcDateTime).ToArray(),
                rows.Select(row => row.Text.StartMs).ToArray(),
                rows.Select(row => row.Text.Text).ToArray(),
                rows.Select(row => SearchLanguage.Lower(row.Text.Text)).ToArray(),
                rows.Select(row => SearchScope.Of(account, row.Document.Workspace, row.Text.Language)).ToArray(),
                rows.Select(row => SearchScope.OfTest(account, row.Document.Workspace, row.Document.Test)).ToArray(),
            ]);
            var languages = rows.Select(row => (row.Document.Workspace, row.Text.Language)).Distinct().Order().ToList();
            batch.Add(
                $"""
                insert into {Languages} (tenant_id, workspace_id, language)
                select $1, v.workspace_id, v.language from unnest($2, $3) v(workspace_id, language)
                on conflict do nothing
                """,
                [account, languages.Select(one => one.Workspace).ToArray(), languages.Select(one => one.Language).ToArray()]);
        }

        await batch.ExecuteNonQueryAsync(cancellation);
    }

    // Words are made of texts that are new alone, each with its digest before it.
    private const string InsertSql =
        $"""
        insert into {Texts} (
          tenant_id, session_id, part, document_id, workspace_id, test_id, task_id, kind, language, at, start_ms, text, words)
        select $1, v.session_id, v.part, v.document_id, v.workspace_id, v.test_id,
          nullif(v.task_id, '00000000-0000-0000-0000-000000000000'), v.kind, v.language, v.at, v.start_ms, v.text,
          concat_ws(' ', '''' || v.test || '''', (
            select string_agg(
              '''' || v.scope || replace(replace(u.lexeme, '\', '\\'), '''', '''''') || ''':' || array_to_string(u.positions, ','), ' ')
            from unnest(to_tsvector(v.language::regconfig, v.lower)) u
            where octet_length(u.lexeme) <= 1000))::tsvector
        from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
          v(session_id, part, document_id, workspace_id, test_id, task_id, kind, language, at, start_ms, text, lower, scope, test)
        where not exists (
          select 1 from {Texts} t where t.tenant_id = $1 and t.session_id = v.session_id and t.part = v.part)
        """;
}
