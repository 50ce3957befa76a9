using System.Runtime.InteropServices;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;
using ResultsEs.Access;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.Import;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;

namespace ResultsEs.Commands;

public sealed class ImportInput : DatabaseInput
{
    [Description("A file of CloudEvents, one a line, plain or gzipped; /dev/stdin reads from a pipe")]
    public string File { get; set; } = "";

    [Description("The configured client whose account and workspaces are written; may be left out when there is one")]
    public string? ClientFlag { get; set; }

    [Description("The first line to import; an import that was cut off says it")]
    public long FromLineFlag { get; set; } = 1;
}

/// <summary>Imports a file of events; the service may run. Ends with 1 when lines are refused, 2 when it did not finish.</summary>
[Description("Import a file of events, one a line, into the database", Name = "import")]
public sealed class ImportCommand : DatabaseCommand<ImportInput>
{
    private const int BufferSize = 128 * 1024;

    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMilliseconds(200);

    private protected override ExitCode Failed => ExitCode.CutOff;

    private protected override string? ProblemOf(ImportInput input) => string.IsNullOrWhiteSpace(input.File) ? "Name the file to import."
        : input.FromLineFlag < 1 ? "--from-line must be 1 or more."
        : null;

    private protected override async Task<ExitCode> RunAsync(ImportInput input, IServiceProvider services)
    {
        var clients = services.GetRequiredService<IOptions<AccessOptions>>().Value.Clients;
        if (FindClient(clients, input.ClientFlag, out var client) is { } problem)
            return Fail(problem);

        // Records that this version's documents are complete while there are no sessions. A service that starts later reads it.
        var database = services.GetRequiredService<NpgsqlDataSource>();
        await ProjectionVersions.IsBuiltAsync(database, SessionResultTable.Documents, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var (commit, logger) = (services.GetRequiredService<GroupCommit>(), services.GetRequiredService<ILogger<ImportCommand>>());
        var import = new EventImport(
            command => RecordEventsHandler.Handle(command, commit),
            client.Account, client.Workspaces, Operator.Sender, MaxWait, logger, Report);
        var watch = Stopwatch.StartNew();
        ImportEnd end;
        try
        {
            // Without the stream's own buffer, whose read from a silent pipe cannot be cancelled.
            await using var file = new FileStream(
                input.File, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: true);
            await using var text = await PlainAsync(file);
            var reader = PipeReader.Create(text, new StreamPipeReaderOptions(bufferSize: BufferSize));
            end = await ShowAsync(import.RunAsync(reader, input.FromLineFlag, stop.Token), import, file, watch);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SharpZipBaseException)
        {
            return Fail(import.ThroughLine > 0 ? $"{input.File}: {e.Message} {GoOn(import)}" : $"{input.File}: {e.Message}");
        }

        Say($"{import.Lines} lines: {import.Accepted} accepted, {import.Duplicates} duplicates, {import.Refused} refused; "
            + Rate(import, watch));
        return end switch
        {
            ImportEnd.Complete => import.Refused == 0 ? ExitCode.Success : ExitCode.Failure,
            ImportEnd.Stopped => Fail($"Stopped. {GoOn(import)}"),
            _ => Fail($"The database does not answer, or other writers hold the sessions. {GoOn(import)}"),
        };

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static string? FindClient(List<ClientOptions> clients, string? id, out ClientOptions client)
    {
        client = clients.Find(entry => id is null ? clients.Count == 1 : entry.Id == id)!;
        if (client is not null)
            return null;

        var ids = string.Join(", ", clients.Select(entry => entry.Id));
        var known = clients.Count == 0 ? "no client is configured" : $"configured are {ids}";
        return id is null ? $"Name the client to import as with --client; {known}." : $"There is no client '{id}'; {known}.";
    }

    /// <summary>The text of a file. Gzip is recognised by its first two bytes (RFC 1952, 2.3.1).</summary>
    private static async Task<Stream> PlainAsync(Stream file)
    {
        var start = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: BufferSize, leaveOpen: true));
        var read = await start.ReadAtLeastAsync(2);
        var isGzip = read.Buffer.FirstSpan is [0x1F, 0x8B, ..];
        start.AdvanceTo(read.Buffer.Start);
        return isGzip ? new GZipInputStream(start.AsStream()) : start.AsStream();
    }

    private static Task<ImportEnd> ShowAsync(Task<ImportEnd> running, EventImport import, FileStream file, Stopwatch watch) =>
        ProgressReport.RunAsync(Console.Out, async report =>
        {
            do
            {
                // Unknown for a pipe.
                var share = file.CanSeek && file.Length > 0 ? (double)file.Position / file.Length : (double?)null;
                report.Show(share, $"{import.Lines} lines, {import.Refused} refused, {Rate(import, watch)}");
            }
            while (await Task.WhenAny(running, Task.Delay(BetweenReports)) != running);

            return await running;
        });

    private static string Rate(EventImport import, Stopwatch watch) =>
        $"{import.Lines / Math.Max(watch.Elapsed.TotalSeconds, 0.001):0} lines/s";

    private static void Report(RefusedLine refused)
    {
        var id = refused.Id is null ? "" : $"id {refused.Id}: ";
        foreach (var (path, messages) in refused.Errors)
            Console.Error.WriteLine($"line {refused.Line}: {id}{path} {string.Join("; ", messages)}");
    }

    private static string GoOn(EventImport import) =>
        $"Every line through {import.ThroughLine} is stored or refused; go on with --from-line {import.ThroughLine + 1}, "
        + "or begin again: what is stored is not stored twice.";
}
