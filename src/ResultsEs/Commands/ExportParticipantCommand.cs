using ResultsEs.Privacy;

namespace ResultsEs.Commands;

public sealed class ExportParticipantInput : DatabaseInput
{
    [Description("The participant's id")]
    public string Id { get; set; } = "";

    [Description("The account")]
    public string? AccountFlag { get; set; }

    [Description("The folder to write to, which must be empty or new")]
    public string? ToFlag { get; set; }
}

/// <summary>Writes everything that is held about a participant: JSON, and a page to read. The folder holds personal data.</summary>
[Description("Write everything that is held about a participant to a folder", Name = "export-participant")]
public sealed class ExportParticipantCommand : DatabaseCommand<ExportParticipantInput>
{
    public ExportParticipantCommand() => Usage("Write everything that is held about a participant")
        .Arguments(input => input.Id).ValidFlags(input => input.AccountFlag!, input => input.ToFlag!);

    private protected override string? ProblemOf(ExportParticipantInput input)
    {
        if (!Uuid.TryParse(input.Id, out _))
            return $"'{input.Id}' is not the id of a participant.";
        if (input.AccountFlag is null || input.ToFlag is null)
            return "--account and --to are needed.";
        return ProblemOfId("--account", input.AccountFlag)
            ?? (Directory.Exists(input.ToFlag) && Directory.EnumerateFileSystemEntries(input.ToFlag).Any() ? "--to is not empty." : null);
    }

    private protected override async Task<ExitCode> RunAsync(ExportParticipantInput input, IServiceProvider services)
    {
        var (account, participant) = (Guid.Parse(input.AccountFlag!), Guid.Parse(input.Id));
        var reader = services.GetRequiredService<ParticipantReader>();
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var sessions = await reader.SessionsAsync(Tenant.Of(account), participant, CancellationToken.None);
        if (sessions.Count == 0)
            return Fail("No event of the account names this participant.");

        var folder = Directory.CreateDirectory(input.ToFlag!).FullName;
        await using var json = File.Create(Path.Combine(folder, "export.json"));
        await using var page = File.CreateText(Path.Combine(folder, "index.html"));
        await page.WriteAsync(ParticipantPage.Begin(participant, now));
        var export = new ParticipantExport(
            reader, account, participant, sessions, now, services.GetRequiredService<ILogger<ExportParticipantCommand>>());
        await export.WriteAsync(json, session => page.Write(ParticipantPage.Of(session)), CancellationToken.None);
        await page.WriteLineAsync("</body></html>");
        return Say($"{sessions.Count} sessions written to {folder}");
    }
}
