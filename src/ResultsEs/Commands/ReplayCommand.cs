using RabbitMQ.Client.Exceptions;

namespace ResultsEs.Commands;

/// <summary>Arguments of <see cref="ReplayCommand"/>. The inherited ones, except the account, end with the next version.</summary>
public sealed class ReplayInput : HistoryInput
{
    [Description("Send again the events after this position in the event store; 0 is before all")]
    public long? SinceFlag { get; set; }

    [Description("Where to send them: a file, - or amqp://user:password@host/virtual-host?queue=NAME")]
    public string? ToFlag { get; set; }

    [Description("The last position to send")]
    public long? UntilFlag { get; set; }
}

/// <summary>
/// Sends stored events again to a system downstream. Changes nothing. What it sends holds personal data.
/// With <c>--session</c> it is an old name of <see cref="HistoryCommand"/>, until the next version.
/// </summary>
[Description("Send stored events again, to a file or a queue", Name = "replay")]
public sealed class ReplayCommand : DatabaseCommand<ReplayInput>
{
    public ReplayCommand() => Usage("Send events again").Arguments().ValidFlags(
        input => input.SinceFlag!, input => input.ToFlag!, input => input.UntilFlag!, input => input.AccountFlag!,
        input => input.SessionFlag!, input => input.AsOfFlag!, input => input.ToVersionFlag!, input => input.StepFlag);

    private protected override string? ProblemOf(ReplayInput input)
    {
        if (IsHistory(input))
            return HistoryCommand.Problem(input);
        if (input.SinceFlag is not >= 0 || input.ToFlag is null)
            return "Sending events again takes --since, a position from 0, and --to, a file, - or an address of a queue.";
        if (input.SessionFlag is not null || input.AsOfFlag is not null || input.ToVersionFlag is not null || input.StepFlag)
            return "--since and --to go with --until and --account alone.";
        return input.UntilFlag < input.SinceFlag ? "--until must not be before --since." : ProblemOfId("--account", input.AccountFlag);
    }

    private protected override async Task<ExitCode> RunAsync(ReplayInput input, IServiceProvider services)
    {
        var database = services.GetRequiredService<NpgsqlDataSource>();
        if (!IsHistory(input))
            return await SendAsync(input, input.ToFlag!, database);

        Console.Error.WriteLine("'replay --session' is now 'history --session'; the old name goes with the next version.");
        return await HistoryCommand.ShowAsync(input, database) is { } problem ? Fail(problem) : ExitCode.Success;
    }

    private static bool IsHistory(ReplayInput input) =>
        input is { SessionFlag: not null, SinceFlag: null, UntilFlag: null, ToFlag: null };

    private async Task<ExitCode> SendAsync(ReplayInput input, string to, NpgsqlDataSource database)
    {
        // The standard output holds nothing but events when these are sent there.
        var output = to == EventFileTarget.StandardOutput ? Console.Error : Console.Out;
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };
        EventReplay? replay = null;
        try
        {
            await using IEventTarget target = EventQueueTarget.IsAddress(to)
                ? await EventQueueTarget.ConnectAsync(new Uri(to), stop.Token)
                : EventFileTarget.Open(to);
            replay = new EventReplay(database, target);
            var (since, until) = (input.SinceFlag!.Value, input.UntilFlag ?? long.MaxValue);
            await ProgressReport.RunAsync(output, async report =>
            {
                await replay.RunAsync(since, until, input.AccountFlag?.ToLowerInvariant(), report, stop.Token);
                await target.CompleteAsync(stop.Token);
                return true;
            });
            await output.WriteLineAsync($"{replay.Sent} events sent; go on with --since {replay.Through}");
            return ExitCode.Success;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException
            or RabbitMQClientException or OperationCanceledException)
        {
            return Fail(replay is null || !EventQueueTarget.IsAddress(to)
                ? $"Nothing is complete: {Problem(e)}"
                : $"{Problem(e)} {replay.Sent} events were confirmed, and some after them may be there; "
                    + $"go on with --since {replay.Through}");
        }

        static string Problem(Exception e) => e switch
        {
            OperationCanceledException => "interrupted.",
            PublishException { IsReturn: true } => "No queue takes the messages.",
            _ => e.Message,
        };
    }
}
