using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.Summaries;

namespace ResultsEs.Commands;

public sealed class VerifyInput : DatabaseInput
{
    [Description("all, or one of the options")]
    public string What { get; set; } = "";

    [Description("So many sessions, reels and tests, chosen at random")]
    public int? SampleFlag { get; set; }

    [Description("The sessions, reels and tests of an account")]
    public string? AccountFlag { get; set; }

    [Description("Store what the events say where documents differ")]
    public bool RepairFlag { get; set; }
}

/// <summary>
/// Folds events and compares the results with the stored documents, and these with the feed of changes and with what summaries count.
/// Prints a line of JSON for each that differs or cannot be folded: account, id and differences or problem. Exit code 1 when one is not
/// repaired. The output holds personal data.
/// </summary>
[Description("Fold events afresh and compare with the stored documents", Name = "verify")]
public sealed class VerifyCommand : DatabaseCommand<VerifyInput>
{
    public VerifyCommand()
    {
        Usage("Verify everything").Arguments(input => input.What)
            .ValidFlags(input => input.SampleFlag!, input => input.AccountFlag!, input => input.RepairFlag);
        Usage("Verify a part").Arguments().ValidFlags(input => input.SampleFlag!, input => input.AccountFlag!, input => input.RepairFlag);
    }

    private protected override string? ProblemOf(VerifyInput input)
    {
        bool[] choices = [input.What == "all", input.SampleFlag is not null, input.AccountFlag is not null];
        if (choices.Count(chosen => chosen) != 1 || input.What is not ("" or "all"))
            return "Say what to verify: all, --sample N or --account ID.";
        return input.SampleFlag is < 1 ? "--sample must be 1 or more." : ProblemOfId("--account", input.AccountFlag);
    }

    private protected override async Task<ExitCode> RunAsync(VerifyInput input, IServiceProvider services)
    {
        var (tables, refresh) = (services.GetRequiredService<DocumentTables>(), services.GetRequiredService<DocumentRefresh>());
        var database = services.GetRequiredService<NpgsqlDataSource>();
        var verification = new Verification(database, tables);
        var feed = new FeedVerification(database, services.GetRequiredService<IOptions<ChangesOptions>>().Value);
        var summaries = services.GetRequiredService<SummaryVerification>();
        // Until a service has filled the feed, sessions wait to be in it, and what follows the feed waits with them.
        var isFilled = await ChangeKeeper.IsFilledAsync(database, CancellationToken.None);
        var failed = new HashSet<StreamKey>();
        var (verified, differ, repaired, unfoldable) = (0L, 0L, 0L, 0L);
        var streams = input.SampleFlag is { } sample
            ? verification.SampleAsync(sample, CancellationToken.None)
            : verification.AllAsync(input.AccountFlag?.ToLowerInvariant(), CancellationToken.None);
        await foreach (var (table, some) in streams)
        {
            var deviations = new List<Deviation>();
            await TakenApart.RunAsync(
                some,
                async part => deviations.AddRange(await verification.DeviationsAsync(table, part, CancellationToken.None)),
                (stream, failure) => Found(table, new Deviation(stream, [], failure.Message)));
            foreach (var deviation in deviations)
                await Found(table, deviation);
            var differing = deviations.Where(deviation => deviation.Problem is null).Select(deviation => deviation.Stream).ToList();
            differ += differing.Count;
            if (input.RepairFlag)
                await TakenApart.RunAsync(
                    differing,
                    async part => repaired += (await refresh.RefreshAsync(table, [.. part], CancellationToken.None)).Count,
                    (stream, failure) => Found(table, new Deviation(stream, [], failure.Message)));
            verified += some.Count;
            if (table != SessionResultTable.Documents || !isFilled)
                continue;

            var inFeed = await feed.DeviationsAsync(some, deviations.Select(one => one.Stream), CancellationToken.None);
            await FoundInFeedAsync(inFeed);
            // What the feed tells wrongly the summaries cannot follow; once it is mended, they do.
            await SummariesAsync(
                table,
                [
                    .. some.Except(deviations.Select(deviation => deviation.Stream)).Except(failed)
                        .Except(inFeed.Select(deviation => deviation.Stream)),
                ]);
        }

        // What the feed has of sessions that are not there.
        if (input.SampleFlag is null && isFilled)
        {
            await foreach (var some in feed.InventedAsync(input.AccountFlag?.ToLowerInvariant(), CancellationToken.None))
                await FoundInFeedAsync(some);
        }

        Say($"{verified} verified, {differ} differ"
            + (input.RepairFlag ? $", {repaired} repaired" : "")
            + (unfoldable > 0 ? $", {unfoldable} cannot be folded" : ""));
        if (!isFilled)
            Say("The feed of changes and summaries are not compared: they are made when the service starts.");
        return unfoldable == 0 && (differ == 0 || input.RepairFlag) ? ExitCode.Success : ExitCode.Failure;

        async Task FoundInFeedAsync(IReadOnlyList<ChangeDeviation> found)
        {
            foreach (var deviation in found)
                Say(FeedVerification.Line(deviation));
            differ += found.Count;
            if (input.RepairFlag)
                repaired += await feed.MendAsync(found, CancellationToken.None);
        }

        // What is counted of sessions, against documents and changes that are right.
        async Task SummariesAsync(DocumentTable table, IReadOnlyList<StreamKey> sessions)
        {
            var worker = services.GetRequiredService<SummaryWorker>();
            var differing = new List<StreamKey>();
            foreach (var account in sessions.GroupBy(session => session.Account, StringComparer.Ordinal))
                await TakenApart.RunAsync(
                    [.. account],
                    async part => differing.AddRange((await summaries.DifferingAsync(
                        account.Key, [.. part.Select(session => session.Id)], CancellationToken.None))
                        .Select(id => new StreamKey(account.Key, id))),
                    (session, failure) => Found(table, new Deviation(session, [], failure.Message)));
            differ += differing.Count;
            foreach (var session in differing)
            {
                Say(new JsonObject { ["account"] = session.Account, ["id"] = session.Id, ["kind"] = SummaryWorker.WorkerName }
                    .ToJsonString(Json.Options));
                if (!input.RepairFlag)
                    continue;

                await worker.RetryAsync(session, CancellationToken.None);
                repaired++;
            }
        }

        Task Found(DocumentTable table, Deviation deviation)
        {
            Say(Line(table, deviation));
            if (deviation.Problem is not null)
            {
                unfoldable++;
                failed.Add(deviation.Stream);
            }

            return Task.CompletedTask;
        }
    }

    private static string Line(DocumentTable table, Deviation deviation)
    {
        var line = new JsonObject
        {
            ["account"] = deviation.Stream.Account,
            ["id"] = deviation.Stream.Id,
            ["kind"] = table.StreamType,
        };
        if (deviation.Problem is { } problem)
            line["problem"] = problem;
        else
            line["differences"] = new JsonArray([.. deviation.Differences.Select(Place)]);
        return line.ToJsonString(Json.Options);
    }

    private static JsonNode Place(JsonDifference difference)
    {
        var place = new JsonObject { ["path"] = difference.Path };
        if (difference.WasThere)
            place["stored"] = difference.Before?.DeepClone();
        if (difference.IsThere)
            place["folded"] = difference.After?.DeepClone();
        return place;
    }
}
