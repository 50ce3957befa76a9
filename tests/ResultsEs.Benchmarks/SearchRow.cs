using System.Globalization;
using System.Net;
using System.Text.Json;
using Npgsql;
using ResultsEs.Search;

namespace ResultsEs.Benchmarks;

/// <summary>
/// S1: a client looks for words among 1,000,000 answers, each time for others, a page of 25. The floor is one prepared statement by hand, on as many connections, over the same texts and the same
/// index: words, order, and the words around each hit. No service, no HTTP, nobody's rights.
/// </summary>
internal static class SearchRow
{
    public const string Name = "S1";

    private const int Texts = 1_000_000;
    private const int Vocabulary = 20_000;
    private const int WordsOfText = 20;
    private const int Connections = 2;
    private const int Limit = 25;

    // The most frequent are in most texts, and found elsewhere than in the index.
    private const int FirstWord = 200;

    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Counted = TimeSpan.FromSeconds(3);

    private static readonly string Scope = SearchScope.Of(Service.Account, Guid.Parse(Service.Workspace), SearchLanguage.Simple);

    // By the index of words alone: left to itself, the planner walks through all texts from the newest on where a word is said rarely.
    private static readonly string FloorSql =
        $"""
        with found as materialized (
          select t.ctid as place, t.at, t.session_id, t.part from {SearchTable.Texts} t
          where t.words @@ $1::tsquery and t.tenant_id = '{Service.Account}' and t.workspace_id = $2::uuid offset 0
        ), page as materialized (
          select f.place, f.at, f.session_id, f.part from found f order by f.at desc, f.session_id desc, f.part desc limit {Limit}
        )
        select t.session_id, t.task_id, t.at, ts_headline('simple', t.text, websearch_to_tsquery('simple', $3), 'MaxWords=40, MinWords=20')
        from page p join {SearchTable.Texts} t on t.ctid = p.place
        order by p.at desc, p.session_id desc, p.part desc
        """;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("s1", cancellation);
        await Fill.WithAsync(database, sessions: 1, cancellation);
        await FillAsync(database, cancellation);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxAutoPrepare = 10, AutoPrepareMinUsages = 1, Options = "-c enable_seqscan=off" });
        await using var project = await Service.StartAsync(database, cancellation, ("Shares__Searches__PerClient", "8"), ("Shares__Searches__PerAccount", "8"));
        using var http = await project.ConnectAsync(Connections, await project.TokenAsync(cancellation), cancellation);

        for (var word = FirstWord; word < Vocabulary; word += Vocabulary / 20)
            await CheckAsync(source, http, word, cancellation);
        var (byHand, searched) = (new List<double>(), new List<double>());
        await RateAsync(FirstWarmUp, TimeSpan.FromSeconds(1), word => FindAsync(source, word, cancellation), cancellation);
        await RateAsync(FirstWarmUp, TimeSpan.FromSeconds(1), word => SearchAsync(http, word, cancellation), cancellation);
        var rounds = options.RoundsOf();
        for (var round = 0; round < rounds; round++)
        {
            byHand.Add(await RateAsync(WarmUp, Counted, word => FindAsync(source, word, cancellation), cancellation));
            searched.Add(await RateAsync(WarmUp, Counted, word => SearchAsync(http, word, cancellation), cancellation));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1} of {rounds}: by hand {byHand[^1]:N0}/s, search {searched[^1]:N0}/s"));
        }

        return
        [
            new ResultRow(Name, "look for a word among 1,000,000 answers over HTTP", "requests/s", new Goal(AtLeast: 0.8, AtMost: null),
            [
                new("one prepared statement over the same index, without HTTP", byHand),
                new("GET /api/v3/answers", searched, project.PeakBytes),
            ]),
        ];
    }

    private static Task<double> RateAsync(TimeSpan warmUp, TimeSpan counted, Func<int, Task<int>> find, CancellationToken cancellation)
    {
        var random = Enumerable.Range(0, Connections).Select(seed => new Random(seed)).ToArray();
        return Load.RateAsync(Connections, warmUp, counted, async (connection, _) => await find(random[connection].Next(FirstWord, Vocabulary)) >= 0 ? 1 : 0, cancellation);
    }

    private static string WordOf(int word) => string.Create(CultureInfo.InvariantCulture, $"w{word}");

    /// <summary>Both find the same number of texts.</summary>
    private static async Task CheckAsync(NpgsqlDataSource source, HttpClient http, int word, CancellationToken cancellation)
    {
        var (expected, found) = (await FindAsync(source, word, cancellation), await SearchAsync(http, word, cancellation));
        if (expected != found)
            throw new InvalidOperationException($"Of {WordOf(word)} the statement finds {expected} texts, and the service {found}.");
    }

    private static async Task<int> FindAsync(NpgsqlDataSource source, int word, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(FloorSql);
        command.Parameters.AddWithValue($"'{Scope}{WordOf(word)}'");
        command.Parameters.AddWithValue(Guid.Parse(Service.Workspace));
        command.Parameters.AddWithValue(WordOf(word));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = 0;
        while (await reader.ReadAsync(cancellation))
            found += reader.GetString(3).Length > 0 ? 1 : 0;
        return found;
    }

    private static async Task<int> SearchAsync(HttpClient http, int word, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri($"/api/v3/answers?q={WordOf(word)}&limit={Limit}", UriKind.Relative), cancellation);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"The search has answered {answer.StatusCode}.");

        using var page = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return page.RootElement.GetProperty("answers").GetArrayLength();
    }

    /// <summary>Stores texts of the one session: the words of each are drawn as people use them, the n-th most frequent one time for every n of the first.</summary>
    private static async Task FillAsync(string database, CancellationToken cancellation)
    {
        var cumulated = new double[Vocabulary];
        for (var (word, sum) = (0, 0.0); word < Vocabulary; word++)
            cumulated[word] = sum += 1.0 / (word + 1);
        var random = new Random(1);
        var (session, test) = (Sessions.Id(0), await Postgres.AskAsync<Guid>(database, "select test_id from results.session_changes limit 1", cancellation));
        await using (var source = NpgsqlDataSource.Create(database))
        await using (var connection = await source.OpenConnectionAsync(cancellation))
        {
            await using var copy = await connection.BeginTextImportAsync(
                $"copy {SearchTable.Texts} (tenant_id, session_id, part, document_id, workspace_id, test_id, kind, language, at, start_ms, text, words) from stdin", cancellation);
            for (var n = 0; n < Texts; n++)
            {
                var words = Enumerable.Range(0, WordsOfText).Select(_ => Drawn()).ToList();
                var vector = string.Join(' ', words.Index().GroupBy(word => word.Item, word => word.Index + 1).Select(word => $"'{Scope}{WordOf(word.Key)}':{string.Join(',', word)}"));
                await copy.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Service.Account}\t{session}\t{new Guid(n, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)}\t{session}\t{Service.Workspace}\t{test}\tWritten\tsimple\t{new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(n):O}\t{n}\t{string.Join(' ', words.Select(WordOf))}\t{vector}").AsMemory(), cancellation);
            }
        }

        await Postgres.ExecuteAsync(database, $"insert into {SearchTable.Languages} values ('{Service.Account}', '{Service.Workspace}', '{SearchLanguage.Simple}') on conflict do nothing", cancellation);
        // The worker of the service would make the session's texts those of its document again.
        await Postgres.ExecuteAsync(
            database,
            """
            insert into results.search_progress (tenant_id, position, complete_to)
            select c.tenant_id, max(c.position), now() from results.session_changes c group by c.tenant_id
            on conflict (tenant_id) do update set position = excluded.position
            """,
            cancellation);
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);

        int Drawn()
        {
            var at = Array.BinarySearch(cumulated, random.NextDouble() * cumulated[^1]);
            return Math.Min(Vocabulary - 1, at < 0 ? ~at : at);
        }
    }
}
