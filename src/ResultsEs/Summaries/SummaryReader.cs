using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary>A test as a caller may see it.</summary>
/// <param name="Id">The test.</param>
/// <param name="Workspace">The caller's workspace that it is in; of several that with most sessions.</param>
/// <param name="Definition">What defines it there, or in another of the caller's workspaces; null when nobody has.</param>
/// <param name="ProductType">What kind of test it is, by its definition or its first session.</param>
/// <param name="Keys">Its numbers in the summaries, one for each workspace.</param>
/// <param name="AsOf">The time before which all that was stored is counted.</param>
internal sealed record SummarizedTest(
    Guid Id, Guid Workspace, TestDefinition? Definition, ProductType? ProductType, long[] Keys, DateTimeOffset AsOf);

/// <summary>What the endpoints about one test share: who may ask, and for how long.</summary>
internal static class SummaryReader
{
    // In milliseconds.
    private const string LongestStatement = "10000";

    // Of each step of a statement; as many connections may be at it as exports have.
    private const string WorkMemory = "32MB";

    // The primary key of totals, ux_summary_tests, and what TestExists and TestDefinitionTable ask by.
    internal static readonly string TestSql =
        $"""
        select w.id, t.test_key, d.data, x.product_type, coalesce(x.in_progress + x.complete + x.abandoned, 0)
        from unnest($2::uuid[]) w(id)
        left join {SummaryTable.Tests} t on t.tenant_id = $1 and t.workspace_id = w.id and t.test_id = $3
        left join results.test_totals x on x.tenant_id = $1 and x.workspace_id = w.id and x.test_id = $3
        left join lateral ({TestDefinitionTable.Sql("x.data", "$1", "$3", "w.id")}) d on true
        where exists ({TestExists.Sql("$1", "w.id", "$3")})
        order by 5 desc, w.id
        """;

    /// <summary>Sends what a read finds of a test; 404 when the caller has no such test, or the read finds nothing.</summary>
    public static async Task<IResult> SendAsync<T>(
        HttpContext http, ReadDatabase database, RequestParameters parameters, Guid test,
        Func<NpgsqlConnection, Caller, SummarizedTest, CancellationToken, Task<T?>> read, CancellationToken cancellation)
        where T : class
    {
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        try
        {
            // The connections of exports, so that summaries take none of other readers.
            var found = await database.ReadChangesAsync(
                completeTo: null,
                (source, completeTo, stop) => ReadAsync(database.ExportsOf(source), caller, test, completeTo, read, stop), cancellation);
            return found is null ? Problems.NotFound() : JsonBody.Of(found, Json.Of<T>());
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled && !cancellation.IsCancellationRequested)
        {
            http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            return Problems.Of(
                StatusCodes.Status503ServiceUnavailable, "The summary took too long. Ask for fewer sessions, by from and to.");
        }
    }

    /// <summary>
    /// Sets what holds for the statements of a transaction. They are short, and compiling them would take longer. The planner does not
    /// know how few groups there are, and would sort all rows; and it prefers a table to its index where a test is most of it.
    /// </summary>
    internal static Task PrepareAsync(NpgsqlConnection connection, CancellationToken cancellation) => connection.ExecuteAsync(
        """
        select set_config('statement_timeout', $1, true), set_config('jit', 'off', true), set_config('work_mem', $2, true),
          set_config('enable_seqscan', 'off', true)
        """, [LongestStatement, WorkMemory], cancellation);

    private static async Task<T?> ReadAsync<T>(
        NpgsqlDataSource source, Caller caller, Guid test, DateTimeOffset completeTo,
        Func<NpgsqlConnection, Caller, SummarizedTest, CancellationToken, Task<T?>> read, CancellationToken cancellation)
        where T : class
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        // One snapshot, so that all numbers of an answer are of the same sessions.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        await PrepareAsync(connection, cancellation);
        var account = Tenant.Of(caller.Account);
        var asOf = await SummaryTable.Progress.AsOfAsync(connection, account, completeTo, cancellation);
        var rows = await new NpgsqlCommand(TestSql, connection).ReadAllAsync(
            [account, caller.Workspaces, test],
            reader => (
                Workspace: reader.GetGuid(0),
                Key: reader.IsDBNull(1) ? (long?)null : reader.GetInt64(1),
                Definition: reader.IsDBNull(2)
                    ? null
                    : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(2), Json.Of<TestDefinition>()),
                ProductType: reader.IsDBNull(3) ? (ProductType?)null : Enum.Parse<ProductType>(reader.GetString(3))),
            cancellation);
        if (rows.Count == 0)
            return null;

        var definition = rows.Select(row => row.Definition).FirstOrDefault(one => one is not null);
        var productType = definition?.ProductType ?? rows.Select(row => row.ProductType).FirstOrDefault(one => one is not null);
        return await read(
            connection, caller,
            new SummarizedTest(
                test, rows[0].Workspace, definition, productType, [.. rows.Select(row => row.Key).OfType<long>()], asOf),
            cancellation);
    }
}
