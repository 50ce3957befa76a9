using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>What an event and a document cost without HTTP and database: the pure functions on their way, with what they allocate.</summary>
[MemoryDiagnoser]
public class MicroBenchmarks
{
    /// <summary>What this program is told to run them.</summary>
    public const string Argument = "micro";

    private const int BatchSize = 100;
    private const int LongSession = 1_001;

    // An answer of three options is the largest event of the session.
    private static readonly byte[] OneEvent = Encoding.UTF8.GetBytes(Sessions.Lines(0).Single(line => line.Contains("\"position\":3,", StringComparison.Ordinal)));
    private static readonly byte[] Batch = ToBatch(Enumerable.Range(0, BatchSize / Sessions.EventsPerSession).SelectMany(Sessions.Lines));
    private static readonly RecordedEvent[] Events = ToRecorded(Sessions.Lines(0));
    private static readonly RecordedEvent[] ManyEvents = ToRecorded(LongSessions.Lines(0, LongSessionKind.Answers, LongSession));
    private static readonly SessionResult Document = SessionResultFold.Fold(Sessions.Id(0), null, Events);
    private static readonly byte[] Stored = JsonSerializer.SerializeToUtf8Bytes(Document, Json.Of<SessionResult>());

    /// <summary>Runs them all in this process, and prints their table.</summary>
    public static int Run()
    {
        // What it writes beside the table goes to a folder of its own, not into the repository.
        var folder = Directory.CreateTempSubdirectory("results-benchmark-micro-").FullName;
        try
        {
            var config = ManualConfig.CreateEmpty()
                .AddJob(Job.ShortRun.WithIterationCount(5).WithToolchain(InProcessEmitToolchain.Instance))
                .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Statistics, DefaultColumnProviders.Metrics)
                .AddLogger(NullLogger.Instance)
                .WithOptions(ConfigOptions.DisableLogFile)
                .WithArtifactsPath(folder);
            var summary = BenchmarkRunner.Run<MicroBenchmarks>(config);
            if (summary.HasCriticalValidationErrors || summary.Reports.IsEmpty || summary.Reports.Any(report => !report.Success))
            {
                Console.Error.WriteLine(string.Join('\n', summary.ValidationErrors.Select(error => error.Message).Prepend("The micro-benchmarks did not run.")));
                return 1;
            }

            MarkdownExporter.Console.ExportToLog(summary, ConsoleLogger.Unicode);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>One event: a task's answer.</summary>
    [Benchmark(Description = "Parse and validate 1 event")]
    public int ParseOne() => CloudEventReader.Read(OneEvent, CloudEventShapes.Single).Events.Count;

    /// <summary>All the events of four sessions.</summary>
    [Benchmark(Description = "Parse and validate 100 events")]
    public int ParseBatch() => CloudEventReader.Read(Batch, CloudEventShapes.Batch).Events.Count;

    /// <summary>A session anew.</summary>
    [Benchmark(Description = "Fold 25 events")]
    public object Fold() => SessionResultFold.Fold(Sessions.Id(0), null, Events);

    /// <summary>A long session anew.</summary>
    [Benchmark(Description = "Fold 1,000 answers and a start")]
    public object FoldMany() => SessionResultFold.Fold(LongSessions.Id(0), null, ManyEvents);

    /// <summary>The stored document, whose body v3 sends as it is.</summary>
    [Benchmark(Description = "Render v3 (the stored document)")]
    public byte[] RenderV3() => JsonSerializer.SerializeToUtf8Bytes(Document, Json.Of<SessionResult>());

    /// <summary>The stored document in v2's words.</summary>
    [Benchmark(Description = "Render v2")]
    public ReadOnlyMemory<byte> RenderV2() => SessionResultV2.Render(Stored);

    private static byte[] ToBatch(IEnumerable<string> lines) => Encoding.UTF8.GetBytes($"[{string.Join(',', lines)}]");

    private static RecordedEvent[] ToRecorded(IEnumerable<string> lines) =>
    [
        .. lines.Chunk(CloudEventReader.MaxEvents).SelectMany(chunk =>
        {
            var read = CloudEventReader.Read(ToBatch(chunk), CloudEventShapes.Batch);
            return read.Problems is [var problem, ..] ? throw new InvalidOperationException($"{problem.Key} {problem.Message}") : read.Events;
        }).Select(incoming => new RecordedEvent(new EventOrder(incoming.Time, incoming.Id), incoming.Data)),
    ];
}
