using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Rebuilding;
using ResultsEs.Search;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.TestResults;

namespace ResultsEs.Commands;

public sealed class RebuildInput : DatabaseInput
{
    [Description("What to rebuild: session-results, highlight-reels, test-definitions, test-totals, search or summaries")]
    public string Name { get; set; } = "";

    [Description("Only the documents of an account")]
    public string? AccountFlag { get; set; }

    [Description("Only the sessions of a test")]
    public string? TestFlag { get; set; }

    [Description("Only this session")]
    public string? SessionFlag { get; set; }

    [Description("How many parts are folded at once; default: as many as there are processors")]
    public int? ParallelFlag { get; set; }

    [Description("Forget a rebuild that was interrupted")]
    public bool AbandonFlag { get; set; }

    [Description("Drop the documents of other versions, whose nodes are gone")]
    public bool FinishFlag { get; set; }
}

/// <summary>Rebuilds a read model while the service runs. Readers see the old one until the new one is complete.</summary>
[Description("Rebuild documents or totals while the service serves", Name = "rebuild")]
public sealed class RebuildCommand : DatabaseCommand<RebuildInput>
{
    private const string SessionResults = "session-results";
    private const string HighlightReels = "highlight-reels";
    private const string TestDefinitions = "test-definitions";
    private const string Totals = "test-totals";
    private const string Search = SearchIndexer.WorkerName;
    private const string Summaries = SummaryWorker.WorkerName;
    private const int MaxParallel = 64;
    private const int StreamsPerFold = 100;

    public RebuildCommand() => Usage("Rebuild a read model").Arguments(input => input.Name).ValidFlags(
        input => input.AccountFlag!, input => input.TestFlag!, input => input.SessionFlag!,
        input => input.ParallelFlag!, input => input.AbandonFlag, input => input.FinishFlag);

    private protected override string? ProblemOf(RebuildInput input)
    {
        if (input.Name is not (SessionResults or HighlightReels or TestDefinitions or Totals or Search or Summaries))
            return $"There is no read model '{input.Name}' to rebuild; "
                + $"there are {SessionResults}, {HighlightReels}, {TestDefinitions}, {Totals}, {Search} and {Summaries}.";
        if ((ProblemOfId("--account", input.AccountFlag) ?? ProblemOfId("--test", input.TestFlag)
            ?? ProblemOfId("--session", input.SessionFlag)) is { } problem)
            return problem;
        if (input.ParallelFlag is < 1 or > MaxParallel)
            return $"--parallel must be from 1 to {MaxParallel}.";

        var isEnd = input.AbandonFlag || input.FinishFlag;
        var hasOptions = IsOfSome(input) || input.ParallelFlag is not null;
        return input.Name switch
        {
            Totals when isEnd || hasOptions => $"{Totals} is rebuilt as a whole, without options.",
            HighlightReels or TestDefinitions when (input.TestFlag ?? input.SessionFlag) is not null =>
                $"{input.Name} takes --account alone.",
            _ when input.AbandonFlag && input.FinishFlag => "--abandon and --finish are two things.",
            _ when isEnd && hasOptions => "--abandon and --finish take no other options.",
            _ => null,
        };
    }

    private protected override async Task<ExitCode> RunAsync(RebuildInput input, IServiceProvider services)
    {
        var (database, totals) = (services.GetRequiredService<NpgsqlDataSource>(), services.GetRequiredService<TestTotals>());
        if (input.Name == Totals)
            return await RebuildTotalsAsync(totals);
        if (input.Name == Search)
            return await RebuildAsync(services.GetRequiredService<SearchIndexer>(), "texts", "search");
        if (input.Name == Summaries)
            return await RebuildAsync(services.GetRequiredService<SummaryWorker>(), "summaries", "summary");

        await using var held = await AdvisoryLock.TryHoldAsync(
            services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Locks), Rebuild.LockName, CancellationToken.None);
        if (held is null)
            return Fail("Another rebuild is running on this database; there can be one at a time.");

        try
        {
            return await RunAsync(services, database, totals, held, input);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return Fail($"{e.MessageText}. Tables are made and take each other's place, "
                + "so it takes the role that owns them: the one that runs db-apply.");
        }
    }

    private async Task<ExitCode> RunAsync(
        IServiceProvider services, NpgsqlDataSource database, TestTotals totals, AdvisoryLock held, RebuildInput input)
    {
        DocumentTable table = input.Name switch
        {
            HighlightReels => HighlightReelTable.Documents,
            TestDefinitions => TestDefinitionTable.Documents,
            _ => SessionResultTable.Documents,
        };
        if (input.FinishFlag)
            return await FinishAsync(table, held);
        if (input.AbandonFlag)
            return Say(await Rebuild.AbandonAsync(table, held, CancellationToken.None)
                ? "The interrupted rebuild is forgotten."
                : "There was no interrupted rebuild.");

        var most = Math.Min(DataSources.SizeOf(database) / Rebuild.ConnectionsPerPart, MaxParallel);
        if (input.ParallelFlag > most)
            return Fail($"--parallel may be at most {most} with the Maximum Pool Size of ConnectionStrings__results.");

        var parallel = input.ParallelFlag ?? Math.Min(Environment.ProcessorCount, most);
        var logger = services.GetRequiredService<ILogger<Rebuild>>();
        var setAside = await ProgressReport.RunAsync(Console.Out, async report =>
        {
            if (IsOfSome(input))
                return await RebuildSomeAsync(services, database, table, input, parallel, report, logger);

            report.Line(await RebuildAllAsync(database, totals, table, held, parallel, report, logger));
            return await Rebuild.SetAsideAsync(database, table, CancellationToken.None);
        });
        foreach (var item in setAside)
            Console.Error.WriteLine(
                $"Set aside: {table.Noun} {item.Stream.Id} of account {item.Stream.Account} cannot be folded: {item.Reason}");
        return setAside.Count == 0 ? ExitCode.Success : ExitCode.SetAside;
    }

    private static async Task<string> RebuildAllAsync(
        NpgsqlDataSource database, TestTotals totals, DocumentTable table, AdvisoryLock held, int parallel, ProgressReport report,
        ILogger logger)
    {
        var watch = Stopwatch.StartNew();
        var switched = await new Rebuild(database, totals, table, held, parallel, report, logger).RunAsync(CancellationToken.None);
        var outcome = switched is { } wait ? $"the switch took {wait.TotalMilliseconds:F0} ms." : "the switch had been made.";
        return $"Done after {watch.Elapsed.TotalSeconds:F1} s; {outcome}";
    }

    private async Task<ExitCode> RebuildTotalsAsync(TestTotals totals)
    {
        var (sessions, setAside) = await totals.RebuildAsync(CancellationToken.None);
        Say($"{sessions - setAside} sessions counted");
        if (setAside == 0)
            return ExitCode.Success;

        Fail($"{setAside} could not be counted and are set aside; see: set-aside list");
        return ExitCode.SetAside;
    }

    private static async Task<ExitCode> RebuildAsync(FeedWorker worker, string what, string answer)
    {
        await worker.RebuildAsync(CancellationToken.None);
        return Say($"The {what} are forgotten. The service makes them anew, and says with each {answer} how far it is.");
    }

    /// <summary>Rebuilds documents in place, a few at a time under their streams' locks. When interrupted, the rest stays.</summary>
    private static async Task<IReadOnlyList<SetAsideItem>> RebuildSomeAsync(
        IServiceProvider services, NpgsqlDataSource database, DocumentTable table, RebuildInput input, int parallel,
        ProgressReport report, ILogger logger)
    {
        var refresh = services.GetRequiredService<DocumentRefresh>();
        var (account, test, session) = (input.AccountFlag?.ToLowerInvariant(), Id(input.TestFlag), Id(input.SessionFlag));
        var failed = new ConcurrentDictionary<StreamKey, byte>();
        var (folded, changed) = (0L, 0L);
        report.Phase("folding");
        await Parallel.ForEachAsync(
            StreamLog.OfTestAsync(database, table, account, test, session, CancellationToken.None).Chunk(StreamsPerFold),
            new ParallelOptions { MaxDegreeOfParallelism = parallel },
            (keys, stop) => new ValueTask(TakenApart.RunAsync(
                keys,
                async some =>
                {
                    Interlocked.Add(ref changed, (await refresh.RefreshAsync(table, [.. some], stop)).Count);
                    await SetAside.RemoveAsync(database, Rebuild.WorkerName, some, stop);
                    report.Done(Interlocked.Add(ref folded, some.Count), ProgressReport.Unknown, "documents");
                },
                async (stream, failure) =>
                {
                    failed.TryAdd(stream, 0);
                    await SetAside.AddAsync(database, logger, Rebuild.WorkerName, stream, failure, stop);
                })));
        report.Line($"{folded} folded, {changed} changed");
        var all = await Rebuild.SetAsideAsync(database, table, CancellationToken.None);
        return [.. all.Where(item => failed.ContainsKey(item.Stream))];
    }

    private async Task<ExitCode> FinishAsync(DocumentTable table, AdvisoryLock held)
    {
        var (dropped, stillThere) = await ProjectionVersions.FinishAsync(held.Connection, table, CancellationToken.None);
        if (dropped is null)
            return Fail($"Nodes of version {stillThere} were there within the last {ProjectionVersions.Absence.TotalSeconds} s; "
                + "stop them first.");

        return Say(dropped.Count == 0
            ? "There are no documents of other versions."
            : $"Dropped the documents of version {string.Join(", ", dropped)}.");
    }

    private static bool IsOfSome(RebuildInput input) => (input.AccountFlag ?? input.TestFlag ?? input.SessionFlag) is not null;

    private static Guid? Id(string? text) => text is null ? null : Guid.Parse(text);
}

/// <summary>Refuses Marten's own rebuild, which empties the documents first: readers get 404, and writers fold onto nothing.</summary>
[Description("Refused; see: rebuild", Name = "projections rebuild")]
public sealed class ProjectionsRebuildCommand : OperatorCommand<NoInput>
{
    private protected override Task<ExitCode> RunAsync(NoInput input) => Task.FromResult(
        Fail("Documents are rebuilt while the service serves by: rebuild session-results, highlight-reels or test-definitions."));
}
