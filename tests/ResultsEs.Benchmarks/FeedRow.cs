using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Npgsql;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>
/// F1: a follower reads the feed of changes from its begin, page after page, each change with its session. The floor is a COPY of the same rows in the same order, read by this program without anybody in between.
/// </summary>
internal static class FeedRow
{
    public const string Name = "F1";

    private const int WarmUps = 3;

    private static readonly string Copy =
        $"""
        copy (
          select c.position, c.session_id, c.workspace_id, c.test_id, c.version, c.changed_at, c.reason, d.status, d.data -> 'body'
          from results.session_changes c
          left join {SessionResultTable.Name} d on d.tenant_id = c.tenant_id and d.id = c.session_id and c.reason is null
          where c.tenant_id = '{Service.Account}' and c.workspace_id = '{Service.Workspace}'
          order by c.position
        ) to stdout (format binary)
        """;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = options.Events / Sessions.EventsPerSession;
        var database = await postgres.CreateDatabaseAsync("f1", cancellation);
        await Fill.WithAsync(database, sessions, cancellation);
        // Along the index of positions: a sort would take the documents through files.
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Options = "-c enable_sort=off -c enable_hashjoin=off", CommandTimeout = 0 });
        await using var project = await Service.StartAsync(database, cancellation);
        using var http = await project.ConnectAsync(1, await project.TokenAsync(cancellation), cancellation);

        var (copied, followed) = (new List<double>(), new List<double>());
        var rounds = options.RoundsOf();
        for (var round = -WarmUps; round < rounds; round++)
        {
            var (ofFloor, ofProject) = (await RateAsync(() => CopyAsync(source, sessions, cancellation)), await RateAsync(() => FollowAsync(http, cancellation)));
            if (round < 0)
                continue;

            copied.Add(ofFloor);
            followed.Add(ofProject);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1} of {rounds}: COPY {ofFloor:N0}/s, feed {ofProject:N0}/s"));
        }

        return
        [
            new ResultRow(Name, "all changes with their sessions to one follower over HTTP", "changes/s", new Goal(AtLeast: 0.5, AtMost: null),
            [
                new("binary COPY of the same rows, without HTTP", copied),
                new("GET /api/v3/changes", followed, project.PeakBytes),
            ]),
        ];

        async Task<double> RateAsync(Func<Task<int>> read)
        {
            var watch = Stopwatch.StartNew();
            var changes = await read();
            return changes == sessions ? changes / watch.Elapsed.TotalSeconds : throw new InvalidOperationException($"{changes} changes have come of {sessions} sessions.");
        }
    }

    private static async Task<int> FollowAsync(HttpClient http, CancellationToken cancellation)
    {
        var (changes, cursor) = (0, "");
        while (true)
        {
            using var answer = await http.GetAsync(new Uri($"/api/v3/changes?include=session&limit=500{cursor}", UriKind.Relative), cancellation);
            if (answer.StatusCode != HttpStatusCode.OK)
                throw new InvalidOperationException($"The feed has answered {answer.StatusCode}.");

            var page = await answer.Content.ReadAsByteArrayAsync(cancellation);
            changes += page.AsSpan().Count("{\"kind\":\""u8);
            var end = Encoding.UTF8.GetString(page.AsSpan(page.AsSpan().LastIndexOf("\"nextCursor\":\""u8)));
            if (end.Contains("\"isAtEnd\":true", StringComparison.Ordinal))
                return changes;
            cursor = "&after=" + end.Split('"')[3];
        }
    }

    private static async Task<int> CopyAsync(NpgsqlDataSource source, int rows, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var copy = await connection.BeginRawBinaryCopyAsync(Copy, cancellation);
        var (buffer, bytes) = (new byte[128 * 1024], 0L);
        while (await copy.ReadAsync(buffer, cancellation) is > 0 and var count)
            bytes += count;
        // A row has more bytes than that, and no row is counted.
        return bytes > rows * 1_000L ? rows : 0;
    }
}
