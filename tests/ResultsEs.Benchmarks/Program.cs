// Who the service is measured against runs in a process of its own, as the service does.
using System.Globalization;
using ResultsEs.Benchmarks;

if (args is [var who, var what, var where] && Rows.Others.TryGetValue((who, what), out var run))
{
    await run(where, CancellationToken.None);
    return 0;
}

if (args is [MicroBenchmarks.Argument])
    return MicroBenchmarks.Run();

var rows = new HashSet<string>(StringComparer.Ordinal);
var options = new BenchmarkOptions();
var growth = args is [Growth.Argument, ..];
for (var i = growth ? 1 : 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "all" when !growth:
            rows.UnionWith(Rows.All.Select(row => row.Name));
            break;
        case var name when !growth && Rows.All.Any(row => row.Name == name):
            rows.Add(name);
            break;
        case "--json" when i + 1 < args.Length:
            options = options with { Json = args[++i] };
            break;
        case "--charts" when growth && i + 1 < args.Length:
            options = options with { Charts = args[++i] };
            break;
        case "--events" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var events) && events >= Sessions.EventsPerSession:
            (options, i) = (options with { Events = events }, i + 1);
            break;
        case "--rounds" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var rounds) && rounds >= 1:
            (options, i) = (options with { Rounds = rounds }, i + 1);
            break;
        default:
            rows.Clear();
            growth = false;
            i = args.Length;
            break;
    }
}

if (rows.Count == 0 && !growth)
{
    Console.Error.WriteLine($"Usage: dotnet run -c Release --project tests/ResultsEs.Benchmarks -- all | {string.Join(" | ", Rows.All.Select(row => row.Name))} … [--events N] [--rounds N] [--json FILE]\n       … -- {Growth.Argument} [--events N] [--rounds N] [--json FILE] [--charts FOLDER]\n       … -- {MicroBenchmarks.Argument}");
    return 1;
}

#if DEBUG
Console.Error.WriteLine("A Debug build measures nothing worth knowing: run it with -c Release.");
return 1;
#else
await Service.PublishAsync(CancellationToken.None);
await using var postgres = await Postgres.StartAsync(CancellationToken.None);
if (growth)
{
    await Growth.RunAsync(postgres, options, CancellationToken.None);
    return 0;
}

var table = new ResultTable();
foreach (var (name, measure) in Rows.All.Where(row => rows.Contains(row.Name)))
{
    var watch = System.Diagnostics.Stopwatch.StartNew();
    foreach (var row in await measure(postgres, options, CancellationToken.None))
        table.Add(row);
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} took {watch.Elapsed.TotalSeconds:F0} s"));
}

table.Print(Console.Out);
if (options.Json is { } file)
    await File.WriteAllTextAsync(file, table.ToJson());
return 0;
#endif
