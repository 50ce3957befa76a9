using ResultsEs.Privacy;

namespace ResultsEs.Commands;

/// <summary>An action on erasures.</summary>
public enum ErasuresAction
{
    /// <summary>Erase a participant in all sessions of the account.</summary>
    participant,

    /// <summary>Erase one session.</summary>
    session,

    /// <summary>Print one line each, the oldest first.</summary>
    list,

    /// <summary>Go on with those that are not done.</summary>
    run,

    /// <summary>Print the files that are still to be deleted.</summary>
    files,

    /// <summary>Do all of them again, with those of a file that the database lacks.</summary>
    reapply,
}

public sealed class ErasuresInput : DatabaseInput
{
    [Description("participant, session, list, run, files or reapply")]
    public ErasuresAction Action { get; set; }

    [Description("The id of the participant or session; with reapply a file that 'list --json' wrote")]
    public string Id { get; set; } = "";

    [Description("The account (participant and session)")]
    public string? AccountFlag { get; set; }

    [Description("Why, for the record; nothing of the person")]
    public string? ReasonFlag { get; set; }

    [Description("With list: JSON lines, to keep beside backups")]
    public bool JsonFlag { get; set; }

    [Description("With files: forget them, because they are deleted")]
    public bool ForgetFlag { get; set; }
}

/// <summary>Erases what is held about participants, and does it again in a restored database.</summary>
[Description("Erase what is held about a participant or a session, and see how far erasures are", Name = "erasures")]
public sealed class ErasuresCommand : DatabaseCommand<ErasuresInput>
{
    private const string By = "operator";

    public ErasuresCommand()
    {
        Usage("List, go on, see files").Arguments(input => input.Action)
            .ValidFlags(input => input.JsonFlag, input => input.ForgetFlag);
        Usage("Erase, or do again what a file lists").Arguments(input => input.Action, input => input.Id)
            .ValidFlags(input => input.AccountFlag!, input => input.ReasonFlag!);
    }

    private protected override string ActionOf(ErasuresInput input) => $"erasures {input.Action}";

    // A participant's id would outlive the erasure.
    private protected override string? SubjectOf(ErasuresInput input) => input.Action == ErasuresAction.session ? input.Id : null;

    private protected override string? ProblemOf(ErasuresInput input) => input.Action switch
    {
        ErasuresAction.participant or ErasuresAction.session when !Uuid.TryParse(input.Id, out _) =>
            $"'{input.Id}' is not the id of a {input.Action}.",
        ErasuresAction.participant or ErasuresAction.session when input.AccountFlag is null => "--account is missing.",
        _ when input.ReasonFlag?.Length > ErasureAnswer.MaxReason => $"--reason may have {ErasureAnswer.MaxReason} characters.",
        _ => ProblemOfId("--account", input.AccountFlag),
    };

    private protected override async Task<ExitCode> RunAsync(ErasuresInput input, IServiceProvider services)
    {
        var erasures = services.GetRequiredService<Erasures>();
        var work = services.GetRequiredService<ErasureWork>();
        return input.Action switch
        {
            ErasuresAction.participant => await EraseAsync(erasures, work, input, ErasureKind.Participant),
            ErasuresAction.session => await EraseAsync(erasures, work, input, ErasureKind.Session),
            ErasuresAction.list => await ListAsync(erasures, input.JsonFlag),
            ErasuresAction.run => await RunAsync(erasures, work, await erasures.UnfinishedAsync(hasStore: true, CancellationToken.None)),
            ErasuresAction.files => await FilesAsync(erasures, input.ForgetFlag),
            _ => await ReapplyAsync(erasures, work, input.Id),
        };
    }

    private async Task<ExitCode> EraseAsync(Erasures erasures, ErasureWork work, ErasuresInput input, ErasureKind kind)
    {
        var id = await erasures.RequestAsync(
            Guid.Parse(input.AccountFlag!), kind, Guid.Parse(input.Id), By, input.ReasonFlag, CancellationToken.None);
        return await RunAsync(erasures, work, [id]);
    }

    private static async Task<ExitCode> ListAsync(Erasures erasures, bool isJson)
    {
        foreach (var erasure in await erasures.AllAsync(CancellationToken.None))
            Say(isJson ? JsonSerializer.Serialize(erasure, Json.Of<Erasure>()) : Line(erasure));
        return ExitCode.Success;
    }

    private async Task<ExitCode> RunAsync(Erasures erasures, ErasureWork work, IReadOnlyList<Guid> unfinished)
    {
        var failed = 0;
        foreach (var id in unfinished)
        {
            failed += await ProgressReport.RunAsync(
                Console.Error, report => work.RunAsync(id, report, CancellationToken.None));
            Say(Line((await erasures.FindAsync(account: null, id, CancellationToken.None))!));
        }

        await work.DeleteFilesAsync(CancellationToken.None);
        return failed == 0 ? ExitCode.Success : Fail($"{failed} sessions could not be masked; see: set-aside list");
    }

    private static async Task<ExitCode> FilesAsync(Erasures erasures, bool areDeleted)
    {
        foreach (var file in await erasures.FilesAsync(areDeleted, CancellationToken.None))
            Say(file);
        return ExitCode.Success;
    }

    private async Task<ExitCode> ReapplyAsync(Erasures erasures, ErasureWork work, string file)
    {
        var all = await erasures.AllAsync(CancellationToken.None);
        if (file.Length > 0)
        {
            var lines = (await File.ReadAllLinesAsync(file)).Where(line => line.Length > 0);
            all.AddRange(lines.Select(line => JsonSerializer.Deserialize(line, Json.Of<Erasure>())!));
        }

        var ids = new List<Guid>();
        foreach (var erasure in all.DistinctBy(one => (one.Account, one.Subject)))
            ids.Add(await erasures.RepeatAsync(erasure, CancellationToken.None));
        return await RunAsync(erasures, work, ids);
    }

    private static string Lower<T>(T word)
        where T : struct, Enum => word.ToString().ToLowerInvariant();

    private static string Line(Erasure erasure) => string.Create(
        CultureInfo.InvariantCulture,
        $"{erasure.ErasureId}  {erasure.RequestedAt.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}  account {erasure.Account}  "
        + $"{Lower(erasure.Kind)} {erasure.Subject}  by {erasure.RequestedBy}  {Lower(erasure.State)}  "
        + $"{erasure.SessionsMasked} of {erasure.Sessions} sessions, {erasure.EventsMasked} events, {erasure.FilesLeft} files left");
}
