using ResultsEs.Changes;
using ResultsEs.Exports;

namespace ResultsEs.Commands;

public sealed class ExportInput : DatabaseInput
{
    [Description("The account")]
    public string? AccountFlag { get; set; }

    [Description("A workspace of it. Default: all")]
    public string? WorkspaceFlag { get; set; }

    [Description("A test. Default: all")]
    public string? TestFlag { get; set; }

    [Description("The tables, with commas between: sessions, answers, demographics, interactions, cues, changes. Default: all")]
    public string? TablesFlag { get; set; }

    [Description("csv, parquet, ndjson or wide-csv. Default: parquet")]
    public string FormatFlag { get; set; } = "parquet";

    [Description("Begin CSV with a byte order mark")]
    public bool BomFlag { get; set; }

    [Description("A cursor, of a manifest or the feed: only what changed since")]
    public string? SinceFlag { get; set; }

    [Description("The folder to write to: empty, new, or with an export that broke off, which is begun anew")]
    public string? ToFlag { get; set; }
}

/// <summary>
/// Writes sessions as tables to a folder, a file each, and at the end a manifest: without that the export is not whole. One that broke off
/// is begun anew in its place.
/// </summary>
[Description("Export sessions as tables: CSV, Parquet or NDJSON", Name = "export")]
public sealed class ExportCommand : DatabaseCommand<ExportInput>
{
    public ExportCommand() => Usage("Export sessions as tables").ValidFlags(
        input => input.AccountFlag!, input => input.WorkspaceFlag!, input => input.TestFlag!, input => input.TablesFlag!,
        input => input.FormatFlag, input => input.BomFlag, input => input.SinceFlag!, input => input.ToFlag!);

    private protected override string? SubjectOf(ExportInput input) => input.TestFlag ?? input.AccountFlag;

    private protected override string? ProblemOf(ExportInput input)
    {
        if (input.AccountFlag is null || input.ToFlag is null)
            return "--account and --to are needed.";
        if (!ExportFormats.Names.Contains(input.FormatFlag, StringComparer.Ordinal))
            return $"--format must be one of {string.Join(", ", ExportFormats.Names)}.";
        if (TablesOf(input).FirstOrDefault(table => !Tables.Names.Contains(table, StringComparer.Ordinal)) is { } unknown)
            return $"There is no table '{unknown}'; there are {string.Join(", ", Tables.Names)}.";
        var isWide = ExportFormats.Of(input.FormatFlag) == ExportFormat.WideCsv;
        if (isWide && (input.TestFlag is null || input.TablesFlag is not null || input.SinceFlag is not null))
            return "--format wide-csv takes a --test, and neither --tables nor --since.";
        return ProblemOfId("--account", input.AccountFlag) ?? ProblemOfId("--workspace", input.WorkspaceFlag)
            ?? ProblemOfId("--test", input.TestFlag)
            ?? (input.SinceFlag is { } since && !ChangeCursor.TryRead(since, Tenant.Of(Guid.Parse(input.AccountFlag)), out _)
                ? "--since is no cursor of this account." : null)
            ?? ProblemOfFolder(input.ToFlag);
    }

    private static string? ProblemOfFolder(string folder)
    {
        if (!Directory.Exists(folder))
            return null;
        if (File.Exists(Path.Combine(folder, FileSet.Manifest)))
            return "--to has a whole export. Choose another folder.";
        return Directory.EnumerateFileSystemEntries(folder).All(FileSet.IsOfExport)
            ? null
            : "--to has files that are of no export. Choose an empty folder, or a new one.";
    }

    private protected override Task<ExitCode> RunAsync(ExportInput input, IServiceProvider services) =>
        ProgressReport.RunAsync(Console.Error, report => RunAsync(input, services, report));

    private async Task<ExitCode> RunAsync(ExportInput input, IServiceProvider services, ProgressReport report)
    {
        var (exports, cancellation) = (services.GetRequiredService<TableExports>(), CancellationToken.None);
        var account = Guid.Parse(input.AccountFlag!);
        var workspaces = input.WorkspaceFlag is { } one ? [Guid.Parse(one)] : await exports.WorkspacesAsync(account, cancellation);
        var scope = new ExportScope(account, [.. workspaces], input.TestFlag is { } test ? Guid.Parse(test) : null);
        ChangeCursor? since =
            input.SinceFlag is { } text && ChangeCursor.TryRead(text, scope.Tenant, out var cursor) ? cursor : null;
        var format = ExportFormats.Of(input.FormatFlag);
        var hasBegun = false;
        try
        {
            var range = await exports.BeginAsync(scope, since, cancellation);
            var total = since is null ? await exports.CountAsync(scope, cancellation) : ProgressReport.Unknown;
            report.Phase("exporting");
            var plan = format == ExportFormat.WideCsv ? await exports.PlanAsync(scope, cancellation) : null;
            var folder = Directory.CreateDirectory(input.ToFlag!).FullName;
            if (FileSet.Clear(folder) > 0)
                Console.Error.WriteLine("The export that broke off is begun anew.");
            List<string> names = plan is not null ? [TableSet.Wide] : [.. TablesOf(input)];
            hasBegun = true;
            await using var files = new FileSet(folder);
            await using var tables = await files.CreateAsync(names, format, input.BomFlag, plan, cancellation);
            await foreach (var _ in exports.WalkAsync(scope, range, default, tables, cancellation))
                report.Done(tables.Sessions, total == ProgressReport.Unknown ? total : Math.Max(total, tables.Sessions), "sessions");
            await tables.EndAsync(cancellation);
            await files.WriteManifestAsync(range.CursorOf(scope), input, cancellation);
            return Say($"{tables.Sessions} sessions exported to {folder}"
                + (tables.Problems > 0 ? $"; {tables.Problems} cannot be given, and table sessions says why" : ""));
        }
        catch (ChangesGoneException)
        {
            return Fail("What went since the cursor is no longer known. Export without --since, in the place of what you have.");
        }
        catch (FeedNotFilledException)
        {
            return Fail("The feed of changes is not filled yet: a node of the service fills it when it runs.");
        }
        catch (TooWideException e)
        {
            return Fail(e.Message);
        }
        catch (Exception e) when (hasBegun && e is NpgsqlException or IOException or TimeoutException)
        {
            return Fail(
                $"The export broke off: {e.Message}\n"
                + $"What is in the folder is not whole: it has no {FileSet.Manifest}. The same command begins anew in its place. "
                + "An export in the background (POST /api/v3/exports) goes on after a break.");
        }
    }

    private static IEnumerable<string> TablesOf(ExportInput input) =>
        input.TablesFlag is { } names
            ? names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)
            : Tables.Names;

    /// <summary>The files of a folder.</summary>
    private sealed class FileSet(string folder) : IAsyncDisposable
    {
        /// <summary>The file that says that all others are whole.</summary>
        public const string Manifest = "manifest.json";

        private const string Unfinished = Manifest + ".part";

        private readonly List<(string Name, FileStream Stream, TableFile Table)> _files = [];

        /// <summary>True for a file that an export makes.</summary>
        public static bool IsOfExport(string path)
        {
            var name = Path.GetFileName(path);
            return File.Exists(path) && (name is Unfinished || Enum.GetValues<ExportFormat>().Any(format =>
                Tables.Names.Append(TableSet.Wide).Any(table => name == $"{table}.{ExportFormats.Extension(format)}")));
        }

        /// <summary>Deletes what an export that broke off has left. Returns how many files that were.</summary>
        public static int Clear(string folder)
        {
            var files = Directory.EnumerateFiles(folder).Where(IsOfExport).ToList();
            files.ForEach(File.Delete);
            return files.Count;
        }

        public async Task<TableSet> CreateAsync(
            IReadOnlyList<string> names, ExportFormat format, bool withMark, WidePlan? plan, CancellationToken cancellation)
        {
            foreach (var name in names)
            {
                var file = $"{name}.{ExportFormats.Extension(format)}";
                var stream = File.Create(Path.Combine(folder, file));
                var table = await TableFile.CreateAsync(
                    name, plan?.Columns ?? Tables.Of(name).Columns, format, withMark, stream.WriteAsync, cancellation);
                _files.Add((file, stream, table));
            }

            return new TableSet([.. _files.Select(file => file.Table)], plan);
        }

        /// <summary>Writes what the export holds, when all files are on the disk.</summary>
        public async Task WriteManifestAsync(string cursor, ExportInput input, CancellationToken cancellation)
        {
            foreach (var (_, stream, _) in _files)
                stream.Flush(flushToDisk: true);
            var manifest = new JsonObject
            {
                ["account"] = input.AccountFlag,
                ["workspaceId"] = input.WorkspaceFlag,
                ["testId"] = input.TestFlag,
                ["format"] = input.FormatFlag,
                ["since"] = input.SinceFlag,
                ["cursor"] = cursor,
                ["files"] = new JsonArray(
                [
                    .. _files.Select(file => new JsonObject
                    {
                        ["name"] = file.Name, ["table"] = file.Table.Table, ["rows"] = file.Table.Rows,
                        ["bytes"] = file.Table.Bytes, ["sha256"] = file.Table.Sha256,
                    }),
                ]),
            };
            var unfinished = Path.Combine(folder, Unfinished);
            await File.WriteAllTextAsync(unfinished, manifest.ToJsonString() + "\n", cancellation);
            File.Move(unfinished, Path.Combine(folder, Manifest));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var (_, stream, _) in _files)
                await stream.DisposeAsync();
        }
    }
}
