using ResultsEs.EventStore;

namespace ResultsEs.Commands;

/// <summary>An action on items that shared workers have set aside.</summary>
public enum SetAsideAction
{
    /// <summary>Print one line each, the oldest first.</summary>
    list,

    /// <summary>Do their work again. What succeeds is set aside no longer.</summary>
    retry,
}

public sealed class SetAsideInput : DatabaseInput
{
    [Description("list or retry")]
    public SetAsideAction Action { get; set; }

    [Description("The id of an item, or 'all' (retry)")]
    public string Id { get; set; } = "";

    [Description("Only what this worker has set aside")]
    public string? WorkerFlag { get; set; }
}

/// <summary>Shows what shared workers have set aside because it makes their work fail, and does that work again.</summary>
[Description("List or retry what shared workers have set aside", Name = "set-aside")]
public sealed class SetAsideCommand : DatabaseCommand<SetAsideInput>
{
    public SetAsideCommand()
    {
        Usage("List").Arguments(input => input.Action).ValidFlags(input => input.WorkerFlag!);
        Usage("Retry").Arguments(input => input.Action, input => input.Id).ValidFlags(input => input.WorkerFlag!);
    }

    private protected override string? ProblemOf(SetAsideInput input) => input.Action switch
    {
        SetAsideAction.list => input.Id.Length == 0 ? null : "list takes no id.",
        _ => input.Id == "all" || Guid.TryParse(input.Id, out _)
            ? null
            : $"'{input.Id}' is not the id of an item; 'set-aside list' shows them.",
    };

    private protected override async Task<ExitCode> RunAsync(SetAsideInput input, IServiceProvider services)
    {
        var items = await SetAside.ListAsync(services.GetRequiredService<NpgsqlDataSource>(), input.WorkerFlag, CancellationToken.None);
        if (Guid.TryParse(input.Id, out var id))
        {
            items.RemoveAll(item => item.Stream.Id != id);
            if (items.Count == 0)
                return Fail($"{id} is not set aside, or not any more.");
        }
        else
        {
            Say($"{items.Count} set aside");
        }

        var retry = services.GetRequiredService<SetAsideRetry>();
        var end = ExitCode.Success;
        foreach (var item in items)
        {
            if (input.Action == SetAsideAction.list)
                Say(Line(item));
            else if (await retry.RunAsync(item, CancellationToken.None) is { } problem)
                end = Fail($"{item.Stream.Id}  {item.Worker}  {problem}");
            else
                Say($"{item.Stream.Id}  {item.Worker}  done");
        }

        return end;
    }

    private static string Line(SetAsideItem item) =>
        $"{item.Stream.Id}  {Time(item.Since)}  {item.Worker}  account {item.Stream.Account}  "
        + $"{item.Attempts} attempts, the last {Time(item.LastTried)}  {item.Reason}";

    private static string Time(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
