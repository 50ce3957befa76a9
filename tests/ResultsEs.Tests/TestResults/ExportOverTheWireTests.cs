using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.TestResults;

/// <summary>Exports by the real web server: clients that stop reading, and answers that break off.</summary>
public sealed class ExportOverTheWireTests : IAsyncLifetime
{
    private const int Copies = 5_000;
    private const int Connections = DataSources.Least;

    private readonly TempFolder _data = new();
    private string _database = "";
    private ServiceProcess _service = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    private async Task StartAsync(int idleSeconds = 120)
    {
        _database = await TestDatabase.CreateAsync();
        _service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", new NpgsqlConnectionStringBuilder(_database) { MaxPoolSize = Connections }.ConnectionString),
            (DataFolder.Variable, _data.Path),
            ("Access__Issuer", "http://results.example/"),
            ("Shares__Exports__PerClient", "40"), ("Shares__Exports__PerAccount", "40"), ("Shares__Exports__PerNode", "40"),
            ("Shares__ExportIdleSeconds", idleSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        await _service.UntilSaysAsync("Application started");
        _http = new HttpClient { BaseAddress = _service.Address };
        _http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(_http, TestClients.Reader));
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        _service.Dispose();
        _data.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Clients_that_stop_reading_hold_neither_the_database_nor_much_memory_and_may_go_on()
    {
        await StartAsync();
        _service.Ignore();
        var session = await RecordManyAsync();
        using var whole = await _http.ReadAsync(ExportTests.Path(session.TestId));
        var expected = await whole.Content.ReadAsByteArrayAsync(Cancelled);
        Assert.Equal(Copies + 1, expected.AsSpan().Count((byte)'\n'));
        _service.Process.Refresh();
        var before = _service.Process.WorkingSet64;

        // More than there are connections; an export is larger than what the sockets hold.
        var stopped = new List<TcpClient>();
        for (var n = 0; n < Connections * 2; n++)
            stopped.Add(await AskAsync(ExportTests.Path(session.TestId)));
        for (var n = 0; n < 50; n++)
            Assert.Equal(session.Id, (Guid)(await _http.ResultAsync(session.Id))["sessionId"]!);
        await Wait.UntilAsync(async () => await AskAsync<long>("select count(*) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() and datname = current_database()") == 0);
        _service.Process.Refresh();
        var held = (_service.Process.WorkingSet64 - before) / stopped.Count;
        Assert.True(held < expected.Length / 2, $"An export of {expected.Length} bytes of which nobody reads holds {held} bytes.");

        using var rest = new MemoryStream();
        await stopped[0].GetStream().CopyToAsync(rest, Cancelled);
        Assert.Contains("\r\n0\r\n\r\n", Encoding.Latin1.GetString(rest.GetBuffer().AsSpan((int)rest.Length - 7, 7)), StringComparison.Ordinal);
        Assert.True(rest.Length > expected.Length);
        foreach (var client in stopped)
            client.Dispose();
        Assert.Equal(session.Id, (Guid)(await _http.ResultAsync(session.Id))["sessionId"]!);
    }

    [Fact]
    public async Task A_client_that_takes_nothing_for_long_is_cut_off_however_quickly_it_read_before()
    {
        await StartAsync(idleSeconds: 1);
        var session = await RecordManyAsync();
        using var client = await AskAsync(ExportTests.Path(session.TestId));
        // By Kestrel's own rate this much is credit for hours.
        await client.GetStream().ReadExactlyAsync(new byte[10 * 1024 * 1024], Cancelled);

        var said = await _service.UntilSaysAsync("was cut off");
        Assert.Contains($"The export of test {session.TestId} was cut off after", said[^1], StringComparison.Ordinal);
        Assert.Contains("its client took nothing for 1 s", said[^1], StringComparison.Ordinal);
        using var rest = new MemoryStream();
        var end = await Record.ExceptionAsync(() => client.GetStream().CopyToAsync(rest, Cancelled));
        Assert.True(end is IOException || !rest.ToArray().AsSpan().EndsWith("\r\n0\r\n\r\n"u8), "The export seems whole.");
    }

    /// <summary>A stream of changes to a client that takes nothing holds one page and no connection, and ends.</summary>
    [Fact]
    public async Task A_stream_of_changes_that_nobody_reads_is_cut_off()
    {
        await StartAsync(idleSeconds: 1);
        // Until then a stream is answered 503.
        await Wait.UntilAsync(() => AskAsync<bool>("select coalesce(bool_and(s.is_filled), false) from results.change_state s"));
        await RecordManyAsync();
        await AskAsync<long>(
            """
            with made as (
              insert into results.session_changes (tenant_id, position, session_id, workspace_id, test_id, version, changed_at)
              select d.tenant_id, nextval('results.change_position'), d.id, d.workspace_id, d.test_id, d.mt_version, d.mt_last_modified
              from results.mt_doc_session_result_2 d
              where not exists (select 1 from results.session_changes c where c.session_id = d.id)
              returning 1)
            select count(*) from made
            """);
        using var client = await AskAsync("/api/v3/changes/stream?include=session");

        var said = await _service.UntilSaysAsync("was cut off");
        Assert.Contains("A stream of changes was cut off: its client took nothing for 1 s", said[^1], StringComparison.Ordinal);
        using var rest = new MemoryStream();
        var end = await Record.ExceptionAsync(() => client.GetStream().CopyToAsync(rest, Cancelled));
        Assert.True(end is IOException || !rest.ToArray().AsSpan().EndsWith("\r\n0\r\n\r\n"u8), "The stream seems whole.");
    }

    [Fact]
    public async Task An_answer_that_fails_after_it_has_begun_breaks_off_and_is_logged()
    {
        await StartAsync();
        var session = await RecordManyAsync();
        // The last of them lags, and what it lacks cannot be looked for.
        var last = await AskAsync<Guid>(
            """
            with last as (select id from results.mt_doc_session_result_2 where status = 'Complete' order by listed_at, id limit 1)
            update results.mt_doc_session_result_2 d set mt_version = 0, lag = 1 from last where last.id = d.id returning d.id
            """);
        await AskAsync<object?>("alter table results.mt_events rename to mt_events_elsewhere");
        using var answer = await _http.GetAsync(new Uri(ExportTests.Path(session.TestId), UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var got = new MemoryStream();
        await using var body = await answer.Content.ReadAsStreamAsync(Cancelled);
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(got, Cancelled));

        Assert.DoesNotContain(last.ToString(), Encoding.UTF8.GetString(got.ToArray()), StringComparison.Ordinal);
        var said = await _service.UntilSaysAsync("broke off");
        Assert.Contains($"The export of test {session.TestId} broke off after {Copies} sessions", said[^1], StringComparison.Ordinal);
        // What fails before anything is sent is answered as everywhere.
        using var refused = await _http.ReadAsync($"/api/v3/sessionResults/{last}");
        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
    }

    /// <summary>A session of 9 KB, and many copies of it that ended before it.</summary>
    private async Task<SessionBuilder> RecordManyAsync()
    {
        var session = TestData.Session();
        for (var task = 0; task < 30; task++)
            session.WithAnswer(Answers.Written($"{task} {new string('x', 100)}"));
        await _http.RecordAsync(session.Completed());
        await AskAsync<long>(
            $$"""
            with d as materialized (select * from results.mt_doc_session_result_2), n as materialized (select n, gen_random_uuid() as id from generate_series(1, {{Copies}}) n), streams as (
              insert into results.mt_streams (tenant_id, id, type, version) select d.tenant_id, n.id, 'session_result', d.mt_version from d, n)
            , made as (
              insert into results.mt_doc_session_result_2
                (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, workspace_id, test_id, status, audience_id, start_time, listed_at, task_types, lag)
              select tenant_id, n.id, jsonb_set(data, '{body,sessionId}', to_jsonb(n.id)), mt_last_modified, mt_version, mt_dotnet_type, workspace_id, test_id, status, audience_id, start_time,
                listed_at - n.n * interval '1 second', task_types, 0
              from d, n returning 1)
            select count(*) from made
            """);
        return session;
    }

    /// <summary>Sends a request by hand, and reads the first bytes of its answer and no more.</summary>
    private async Task<TcpClient> AskAsync(string path)
    {
        var client = new TcpClient { ReceiveBufferSize = 16 * 1024 };
        await client.ConnectAsync(_service.Address.Host, _service.Address.Port, Cancelled);
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {_service.Address.Authority}\r\nAuthorization: {_http.DefaultRequestHeaders.Authorization}\r\nConnection: close\r\n\r\n"), Cancelled);
        var begin = new byte[12];
        await client.GetStream().ReadExactlyAsync(begin, Cancelled);
        Assert.Equal("HTTP/1.1 200", Encoding.ASCII.GetString(begin));
        return client;
    }

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}
