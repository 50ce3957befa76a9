using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;
using JasperFx.CommandLine;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.Ingestion.Import;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;

namespace ResultsEs.Commands;

/// <summary>What to import, and as whom.</summary>
public sealed class ImportInput : DatabaseInput
{
    /// <summary>The file; gzip is recognised.</summary>
    [Description("A file of CloudEvents, one a line, plain or gzipped; /dev/stdin reads from a pipe")]
    public string File { get; set; } = "";

    /// <summary>The client.</summary>
    [Description("The configured client whose account and workspaces are written; may be left out when there is one")]
    public string? ClientFlag { get; set; }

    /// <summary>Where to go on.</summary>
    [Description("The first line to import; an import that was cut off says it")]
    public long FromLineFlag { get; set; } = 1;
}

/// <summary>
/// Imports a file of events straight into the database; the service may run meanwhile. Exit codes: 0 all lines are stored, 1 some are
/// refused, 2 it could not begin or was cut off, and says how to go on.
/// </summary>
[Description("Import a file of events, one a line, into the database", Name = "import")]
public sealed class ImportCommand : DatabaseCommand<ImportInput>
{
    private const int BufferSize = 128 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    protected override ExitCode Failed => ExitCode.CutOff;

    /// <inheritdoc/>
    protected override string? ProblemOf(ImportInput input) => string.IsNullOrWhiteSpace(input.File) ? "Name the file to import."
        : input.FromLineFlag < 1 ? "--from-line must be 1 or more."
        : null;

    /// <inheritdoc/>
    protected override async Task<ExitCode> RunAsync(ImportInput input, IServiceProvider services)
    {
        var clients = services.GetRequiredService<IOptions<AccessOptions>>().Value.Clients;
        if (FindClient(clients, input.ClientFlag, out var client) is { } problem)
            return Fail(problem);

        // A store without sessions has all documents of this version: to be said before there are any, because a service that starts
        // afterwards asks.
        var database = services.GetRequiredService<NpgsqlDataSource>();
        await ProjectionVersions.IsBuiltAsync(database, SessionResultTable.Documents, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var import = new EventImport(
            services.Recorder(), client.Account, client.Workspaces, Patience,
            services.GetRequiredService<ILogger<ImportCommand>>(), Report);
        var watch = Stopwatch.StartNew();
        ImportEnd end;
        try
        {
            // Without a buffer of its own, which would not let go of a pipe before the pipe has said something.
            await using var file = new FileStream(input.File, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: true);
            await using var text = await PlainAsync(file);
            var reader = PipeReader.Create(text, new StreamPipeReaderOptions(bufferSize: BufferSize));
            end = await ShowAsync(import.RunAsync(reader, input.FromLineFlag, stop.Token), import, file, watch);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SharpZipBaseException)
        {
            return Fail(import.ThroughLine > 0 ? $"{input.File}: {e.Message} {GoOn(import)}" : $"{input.File}: {e.Message}");
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{import.Lines} lines: {import.Accepted} accepted, {import.Duplicates} duplicates, {import.Refused} refused; {Rate(import, watch)}"));
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

        var known = clients.Count == 0 ? "no client is configured" : "configured are " + string.Join(", ", clients.Select(entry => entry.Id));
        return id is null ? $"Name the client to import as with --client; {known}." : $"There is no client '{id}'; {known}.";
    }

    /// <summary>The file's text: gzip is told by its first two bytes (RFC 1952, 2.3.1).</summary>
    private static async Task<Stream> PlainAsync(Stream file)
    {
        var start = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: BufferSize, leaveOpen: true));
        var read = await start.ReadAtLeastAsync(2);
        var zipped = IsGzip(read.Buffer.Slice(0, Math.Min(2, read.Buffer.Length)).FirstSpan);
        start.AdvanceTo(read.Buffer.Start);
        return zipped ? new GZipInputStream(start.AsStream()) : start.AsStream();
    }

    private static bool IsGzip(ReadOnlySpan<byte> start) => start is [0x1F, 0x8B];

    private static Task<ImportEnd> ShowAsync(Task<ImportEnd> running, EventImport import, FileStream file, Stopwatch watch) =>
        ProgressReport.RunAsync(Console.Out, async report =>
        {
            do
            {
                // What a pipe will hold nobody knows.
                var share = file.CanSeek && file.Length > 0 ? (double)file.Position / file.Length : (double?)null;
                var text = string.Create(CultureInfo.InvariantCulture, $"{import.Lines} lines, {import.Refused} refused, {Rate(import, watch)}");
                report.Show(share, text);
            }
            while (await Task.WhenAny(running, Task.Delay(BetweenLooks)) != running);

            return await running;
        });

    private static string Rate(EventImport import, Stopwatch watch) =>
        string.Create(CultureInfo.InvariantCulture, $"{import.Lines / Math.Max(watch.Elapsed.TotalSeconds, 0.001):0} lines/s");

    private static void Report(RefusedLine refused)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"line {refused.Line}: {(refused.Id is null ? "" : $"id {refused.Id}: ")}");
        foreach (var (path, messages) in refused.Errors)
            Console.Error.WriteLine($"{where}{path} {string.Join("; ", messages)}");
    }

    private static string GoOn(EventImport import) => string.Create(CultureInfo.InvariantCulture,
        $"Every line through {import.ThroughLine} is stored or refused; go on with --from-line {import.ThroughLine + 1}, "
        + $"or begin again: what is stored is not stored twice.");
}
