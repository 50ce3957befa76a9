using System.Globalization;
using ResultsEs.Benchmarks;

// Who the service is measured against runs in a process of its own, as the service does.
switch (args)
{
    case [RebuildFloor.Argument, RebuildRow.Name, var database]:
        await RebuildFloor.RunAsync(database, Environment.ProcessorCount, CancellationToken.None);
        return 0;
    case [MartenRebuild.Argument, RebuildRow.Name, var database]:
        await MartenRebuild.RunAsync(database, CancellationToken.None);
        return 0;
}

var rows = new List<string>();
var options = new BenchmarkOptions();
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "all":
            rows.Add(RebuildRow.Name);
            break;
        case RebuildRow.Name:
            rows.Add(args[i]);
            break;
        case "--json" when i + 1 < args.Length:
            options = options with { Json = args[++i] };
            break;
        case "--events" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var events) && events >= Sessions.EventsPerSession:
            (options, i) = (options with { Events = events }, i + 1);
            break;
        case "--rounds" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var rounds) && rounds >= 1:
            (options, i) = (options with { Rounds = rounds }, i + 1);
            break;
        default:
            rows.Clear();
            i = args.Length;
            break;
    }
}

if (rows.Count == 0)
{
    Console.Error.WriteLine($"Usage: dotnet run -c Release --project tests/ResultsEs.Benchmarks -- all | {RebuildRow.Name} [--events N] [--rounds N] [--json FILE]");
    return 1;
}

#if DEBUG
Console.Error.WriteLine("A Debug build measures nothing worth knowing: run it with -c Release.");
return 1;
#else
await using var postgres = await Postgres.StartAsync(CancellationToken.None);
var table = new ResultTable();
foreach (var row in rows.Distinct(StringComparer.Ordinal))
    table.Add(await RebuildRow.MeasureAsync(postgres, options, CancellationToken.None));
table.Print(Console.Out);
if (options.Json is { } file)
    await File.WriteAllTextAsync(file, table.ToJson());
return 0;
#endif
