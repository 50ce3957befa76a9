using System.Globalization;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Commands;

/// <summary>What to rebuild.</summary>
public sealed class RebuildInput : NetCoreInput
{
    /// <summary>The read model.</summary>
    [Description("What to rebuild: session-results, highlight-reels or test-totals")]
    public string Name { get; set; } = "";

    /// <summary>The documents of an account.</summary>
    [Description("Only the documents of an account")]
    public string? AccountFlag { get; set; }

    /// <summary>The sessions of a test.</summary>
    [Description("Only the sessions of a test")]
    public string? TestFlag { get; set; }

    /// <summary>One session.</summary>
    [Description("Only this session")]
    public string? SessionFlag { get; set; }

    /// <summary>How many connections fold at once.</summary>
    [Description("How many parts are folded at once; default: as many as there are processors")]
    public int? ParallelFlag { get; set; }

    /// <summary>Whether to give up.</summary>
    [Description("Forget a rebuild that was interrupted")]
    public bool AbandonFlag { get; set; }

    /// <summary>Whether to drop the documents of other versions.</summary>
    [Description("Drop the documents of other versions, whose nodes are gone")]
    public bool FinishFlag { get; set; }
}

/// <summary>Rebuilds a read model while the service serves: readers see what was there until all of the new is.</summary>
[Description("Rebuild documents or totals while the service serves", Name = "rebuild")]
public sealed class RebuildCommand : JasperFxAsyncCommand<RebuildInput>
{
    private const string SessionResults = "session-results";
    private const string HighlightReels = "highlight-reels";
    private const string TestTotals = "test-totals";
    private const int MaxParallel = 64;

    /// <summary>The usage.</summary>
    public RebuildCommand() => Usage("Rebuild a read model").Arguments(input => input.Name).ValidFlags(
        input => input.AccountFlag!, input => input.TestFlag!, input => input.SessionFlag!, input => input.ParallelFlag!, input => input.AbandonFlag, input => input.FinishFlag);

    /// <inheritdoc/>
    public override async Task<bool> Execute(RebuildInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (Problem(input) is { } problem)
            return Fail(problem);

        using var host = await input.BuildHostWithTablesAsync();
        if (host is null)
            return false;

        var database = host.Services.GetRequiredService<NpgsqlDataSource>();
        if (input.Name == TestTotals)
        {
            var sessions = await TestTotalsUpdater.RebuildAsync(database, CancellationToken.None);
            return Say($"{sessions} sessions counted");
        }

        await using var held = await RebuildLock.TryTakeAsync(database, CancellationToken.None);
        if (held is null)
            return Fail("Another rebuild is running on this database; there can be one at a time.");

        try
        {
            return await ExecuteAsync(database, host.Services.GetRequiredService<DocumentRefresh>(), held, input);
        }
        catch (UnfoldableStreamException e)
        {
            // Leaving it out would lose it from the result, so nothing takes the place of the documents that are served.
            return Fail($"{e.Message} The documents before serve as ever; when that is mended, the same command goes on.");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return Fail($"{e.MessageText}. Tables are made and take each other's place, so it takes the role that owns them: the one that runs db-apply.");
        }
    }

    private static async Task<bool> ExecuteAsync(NpgsqlDataSource database, DocumentRefresh refresh, RebuildLock held, RebuildInput input)
    {
        DocumentTable table = input.Name == HighlightReels ? HighlightReelTable.Documents : SessionResultTable.Documents;
        if (input.FinishFlag)
            return await FinishAsync(table, held);
        if (input.AbandonFlag)
            return Say(await Rebuild.AbandonAsync(table, held, CancellationToken.None) ? "The interrupted rebuild is forgotten." : "There was no interrupted rebuild.");

        var parallel = input.ParallelFlag ?? Math.Min(Environment.ProcessorCount, MaxParallel);
        return (input.AccountFlag ?? input.TestFlag ?? input.SessionFlag) is null
            ? await ProgressReport.RunAsync(Console.Out, report => AllAsync(database, table, held, parallel, report))
            : await ProgressReport.RunAsync(Console.Out, report => SomeAsync(database, refresh, table, input, parallel, report));
    }

    private static string? Problem(RebuildInput input)
    {
        if (input.Name is not (SessionResults or HighlightReels or TestTotals))
            return $"There is no read model '{input.Name}' to rebuild; there are {SessionResults}, {HighlightReels} and {TestTotals}.";
        foreach (var (flag, value) in new[] { ("--account", input.AccountFlag), ("--test", input.TestFlag), ("--session", input.SessionFlag) })
        {
            if (value is not null && !Uuid.TryParse(value, out _))
                return $"{flag} must be a UUID.";
        }

        if (input.ParallelFlag is < 1 or > MaxParallel)
            return $"--parallel must be from 1 to {MaxParallel}.";

        var isSome = (input.AccountFlag ?? input.TestFlag ?? input.SessionFlag) is not null;
        return (input.Name, input) switch
        {
            (TestTotals, _) when isSome || input.AbandonFlag || input.FinishFlag || input.ParallelFlag is not null => $"{TestTotals} is rebuilt as a whole, without options.",
            (HighlightReels, _) when (input.TestFlag ?? input.SessionFlag) is not null => $"{HighlightReels} takes --account alone.",
            _ when input.AbandonFlag && input.FinishFlag => "--abandon and --finish are two things.",
            _ when (input.AbandonFlag || input.FinishFlag) && (isSome || input.ParallelFlag is not null) => "--abandon and --finish take no other options.",
            _ => null,
        };
    }

    private static async Task<bool> AllAsync(NpgsqlDataSource database, DocumentTable table, RebuildLock held, int parallel, ProgressReport report)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var switched = await new Rebuild(database, table, held, parallel, report).RunAsync(CancellationToken.None);
        report.Line(switched is { } wait
            ? string.Create(CultureInfo.InvariantCulture, $"Done after {watch.Elapsed.TotalSeconds:F1} s; the switch took {wait.TotalMilliseconds:F0} ms.")
            : string.Create(CultureInfo.InvariantCulture, $"Done after {watch.Elapsed.TotalSeconds:F1} s; the switch had been made."));
        return true;
    }

    private static async Task<bool> SomeAsync(NpgsqlDataSource database, DocumentRefresh refresh, DocumentTable table, RebuildInput input, int parallel, ProgressReport report)
    {
        var some = new RebuildOfSome(database, refresh, table, input.AccountFlag?.ToLowerInvariant(), Id(input.TestFlag), Id(input.SessionFlag));
        var (folded, changed) = await some.RunAsync(parallel, report, CancellationToken.None);
        report.Line(string.Create(CultureInfo.InvariantCulture, $"{folded} folded, {changed} changed"));
        return true;
    }

    private static async Task<bool> FinishAsync(DocumentTable table, RebuildLock held)
    {
        var (dropped, stillThere) = await ProjectionVersions.FinishAsync(held.Connection, table, CancellationToken.None);
        if (dropped is null)
            return Fail($"Nodes of version {stillThere} were there within the last {ProjectionVersions.Absence.TotalSeconds} s; stop them first.");

        return Say(dropped.Count == 0 ? "There are no documents of other versions." : $"Dropped the documents of version {string.Join(", ", dropped)}.");
    }

    private static Guid? Id(string? text) => text is null ? null : Guid.Parse(text);

    private static bool Say(string text)
    {
        Console.Out.WriteLine(text);
        return true;
    }

    private static bool Fail(string problem)
    {
        Console.Error.WriteLine(problem);
        return false;
    }
}
