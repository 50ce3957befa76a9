using System.Globalization;
using System.Text.Json.Nodes;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Rebuilding;

namespace ResultsEs.Commands;

/// <summary>What to verify.</summary>
public sealed class VerifyInput : NetCoreInput
{
    /// <summary><c>all</c>, or nothing with an option.</summary>
    [Description("all, or one of the options")]
    public string What { get; set; } = "";

    /// <summary>How many, chosen at random.</summary>
    [Description("So many sessions and reels, chosen at random")]
    public int? SampleFlag { get; set; }

    /// <summary>Those of an account.</summary>
    [Description("The sessions and reels of an account")]
    public string? AccountFlag { get; set; }

    /// <summary>Whether to mend.</summary>
    [Description("Store what the events say where documents differ")]
    public bool RepairFlag { get; set; }
}

/// <summary>
/// Folds events afresh and compares with the stored documents. Each document that differs is a line of JSON: account, id, and the places, with what
/// is stored and what the events say; or why the events do not fold into one. Ends with 1 when there is any that was not repaired. What it prints holds personal data.
/// </summary>
[Description("Fold events afresh and compare with the stored documents", Name = "verify")]
public sealed class VerifyCommand : JasperFxAsyncCommand<VerifyInput>
{
    /// <summary>The usages.</summary>
    public VerifyCommand()
    {
        Usage("Verify everything").Arguments(input => input.What).ValidFlags(input => input.SampleFlag!, input => input.AccountFlag!, input => input.RepairFlag);
        Usage("Verify a part").Arguments().ValidFlags(input => input.SampleFlag!, input => input.AccountFlag!, input => input.RepairFlag);
    }

    /// <inheritdoc/>
    public override async Task<bool> Execute(VerifyInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if ((input.What == "all" ? 1 : 0) + (input.SampleFlag is null ? 0 : 1) + (input.AccountFlag is null ? 0 : 1) != 1 || input.What is not ("" or "all"))
            return Fail("Say what to verify: all, --sample N or --account ID.");
        if (input.SampleFlag is < 1)
            return Fail("--sample must be 1 or more.");
        if (input.AccountFlag is not null && !Uuid.TryParse(input.AccountFlag, out _))
            return Fail("--account must be a UUID.");

        using var host = await input.BuildHostWithTablesAsync();
        if (host is null)
            return false;

        var database = host.Services.GetRequiredService<NpgsqlDataSource>();
        var (refresh, tables) = (host.Services.GetRequiredService<DocumentRefresh>(), host.Services.GetRequiredService<DocumentTables>());
        var verification = new Verification(database, tables);
        var (verified, differ, repaired, unfoldable) = (0L, 0L, 0L, 0L);
        var streams = input.SampleFlag is { } sample
            ? verification.SampleAsync(sample, CancellationToken.None)
            : AllAsync(verification, tables, input.AccountFlag?.ToLowerInvariant());
        await foreach (var (table, some) in streams)
        {
            var deviations = await verification.DeviationsAsync(table, some, CancellationToken.None);
            foreach (var deviation in deviations)
                Console.Out.WriteLine(Line(table, deviation));
            var differing = deviations.Where(deviation => deviation.Problem is null).Select(deviation => deviation.Stream).ToList();
            if (input.RepairFlag)
                repaired += (await refresh.RefreshAsync(table, differing, CancellationToken.None)).Count;
            verified += some.Count;
            differ += differing.Count;
            unfoldable += deviations.Count - differing.Count;
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{verified} verified, {differ} differ{(input.RepairFlag ? $", {repaired} repaired" : "")}{(unfoldable > 0 ? $", {unfoldable} cannot be folded" : "")}"));
        return unfoldable == 0 && (differ == 0 || input.RepairFlag);
    }

    private static async IAsyncEnumerable<(DocumentTable, IReadOnlyList<StreamKey>)> AllAsync(Verification verification, DocumentTables tables, string? account)
    {
        foreach (var table in tables.All)
        {
            await foreach (var some in verification.AllAsync(table, account, CancellationToken.None))
                yield return (table, some);
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

    private static bool Fail(string problem)
    {
        Console.Error.WriteLine(problem);
        return false;
    }
}
