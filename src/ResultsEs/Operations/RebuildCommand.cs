using System.Globalization;
using JasperFx.CommandLine;
using Npgsql;
using ResultsEs.TestTotals;

namespace ResultsEs.Operations;

/// <summary>What to rebuild.</summary>
public sealed class RebuildInput : NetCoreInput
{
    /// <summary>The read model.</summary>
    [Description("What to rebuild: test-totals")]
    public string Name { get; set; } = "";
}

/// <summary>
/// Rebuilds a read model from the documents while the service serves: readers see what was there until all of it is counted.
/// </summary>
[Description("Rebuild the totals of tests from the sessions' documents, while the service serves", Name = "rebuild")]
public sealed class RebuildCommand : JasperFxAsyncCommand<RebuildInput>
{
    private const string TestTotals = "test-totals";

    /// <summary>The usage.</summary>
    public RebuildCommand() => Usage("Rebuild a read model").Arguments(input => input.Name);

    /// <inheritdoc/>
    public override async Task<bool> Execute(RebuildInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Name != TestTotals)
        {
            Console.Error.WriteLine($"There is no read model '{input.Name}' to rebuild; there is {TestTotals}.");
            return false;
        }

        using var host = input.BuildHost();
        var database = host.Services.GetRequiredService<NpgsqlDataSource>();
        var sessions = await TestTotalsUpdater.RebuildAsync(database, CancellationToken.None);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sessions} sessions counted"));
        return true;
    }
}
