using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using Wolverine.Persistence.Durability;
using Wolverine.Persistence.Durability.DeadLetterManagement;

namespace ResultsEs.Commands;

/// <summary>An action on dead letters.</summary>
public enum DeadLettersAction
{
    /// <summary>Print one line each, the oldest first.</summary>
    list,

    /// <summary>Print the details and the body of one.</summary>
    show,

    /// <summary>Record the events. A dead letter whose events are stored is deleted.</summary>
    replay,

    /// <summary>Delete for good.</summary>
    discard,
}

public sealed class DeadLettersInput : DatabaseInput
{
    [Description("list, show, replay or discard")]
    public DeadLettersAction Action { get; set; }

    [Description("The id of a dead letter, or 'all' (replay and discard)")]
    public string Id { get; set; } = "";

    [Description("With show: the file to write the message's original bytes to")]
    public string? BodyFlag { get; set; }
}

/// <summary>Manages dead letters: messages whose events could not be stored. Needs the database alone, not the broker.</summary>
[Description("List, show, replay or discard messages of the queue that could not be stored", Name = "deadletters")]
public sealed class DeadLettersCommand : DatabaseCommand<DeadLettersInput>
{
    public DeadLettersCommand()
    {
        Usage("List dead letters").Arguments(input => input.Action).ValidFlags();
        Usage("Show, replay or discard").Arguments(input => input.Action, input => input.Id);
    }

    private protected override string? ProblemOf(DeadLettersInput input) =>
        IsOfAll(input) || Guid.TryParse(input.Id, out _)
            ? null
            : $"'{input.Id}' is not the id of a dead letter; 'deadletters list' shows them.";

    private protected override async Task<ExitCode> RunAsync(DeadLettersInput input, IServiceProvider services)
    {
        var letters = services.GetRequiredService<IMessageStore>().DeadLetters;
        List<Guid> ids = IsOfAll(input) ? await IdsAsync(services.GetRequiredService<NpgsqlDataSource>()) : [Guid.Parse(input.Id)];
        if (IsOfAll(input))
            Say($"{ids.Count} dead letters");

        var end = ExitCode.Success;
        foreach (var id in ids)
        {
            var result = await letters.DeadLetterEnvelopeByIdAsync(id) is not { } letter
                ? Fail($"{id} is not a dead letter, or not any more.")
                : input.Action switch
                {
                    DeadLettersAction.list => List(letter),
                    DeadLettersAction.show => await ShowAsync(letter, input.BodyFlag),
                    DeadLettersAction.replay => await ReplayAsync(services.GetRequiredService<DeadLetters>(), letters, letter),
                    _ => await DeleteAsync(letters, letter, "discarded"),
                };
            if (result != ExitCode.Success)
                end = result;
        }

        return end;
    }

    private protected override string ActionOf(DeadLettersInput input) => $"{base.ActionOf(input)} {input.Action}";

    private static bool IsOfAll(DeadLettersInput input) =>
        input.Action == DeadLettersAction.list || (input.Id == "all" && input.Action != DeadLettersAction.show);

    private static ExitCode List(DeadLetterEnvelope letter) =>
        Say($"{letter.Id}  {Time(letter)}  account {letter.Envelope.TenantId}  {Printable.Excerpt(letter.ExceptionMessage, 160)}");

    private static async Task<ExitCode> ShowAsync(DeadLetterEnvelope letter, string? file)
    {
        var body = letter.Envelope.Data ?? [];
        Say($"id            {letter.Id}");
        Say($"since         {Time(letter)}");
        Say($"account       {letter.Envelope.TenantId}");
        Say($"received at   {letter.ReceivedAt}");
        Say($"reason        {Printable.Line(letter.ExceptionMessage)}");
        Say($"content type  {Printable.Line(letter.Envelope.ContentType ?? "")}");
        foreach (var (name, value) in DeadLetters.AttributesOf(letter))
            Say($"header        {Printable.Line(name)} = {Printable.Line(value ?? "")}");
        Say($"body          {body.Length} bytes");
        if (file is null)
            // Indented, so that no line of it is mistaken for one of ours.
            return Say("  " + Encoding.UTF8.GetString(body).Replace("\n", "\n  ", StringComparison.Ordinal));

        await File.WriteAllBytesAsync(file, body);
        return Say($"              written to {file}");
    }

    private async Task<ExitCode> ReplayAsync(DeadLetters kept, IDeadLetters letters, DeadLetterEnvelope letter) =>
        await kept.ReplayAsync(letter) is { } problem
            ? Fail(problem)
            // When the process ends in between, another replay finds duplicates.
            : await DeleteAsync(letters, letter, "stored");

    private static async Task<ExitCode> DeleteAsync(IDeadLetters letters, DeadLetterEnvelope letter, string outcome)
    {
        await letters.DiscardAsync(new DeadLetterEnvelopeQuery([letter.Id]), CancellationToken.None);
        return Say($"{letter.Id} is {outcome}.");
    }

    /// <summary>All ids, the oldest first. Wolverine's own pages have no defined order.</summary>
    private static Task<List<Guid>> IdsAsync(NpgsqlDataSource database) => database.CreateCommand(
        $"select id from {MartenSetup.Schema}.wolverine_dead_letters where message_type = $1 order by failed_at, id")
        .ReadAllAsync([SessionEventsDelivery.Name], reader => reader.GetGuid(0), CancellationToken.None);

    private static string Time(DeadLetterEnvelope letter) =>
        (letter.FailedAt ?? letter.SentAt).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
