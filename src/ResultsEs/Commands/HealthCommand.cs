namespace ResultsEs.Commands;

public sealed class HealthInput
{
    [Description("The node's address; default: http://localhost:5080")]
    public string Url { get; set; } = "http://localhost:5080";
}

/// <summary>Asks a running node whether it is ready. For callers that cannot send requests, such as a container's health check.</summary>
[Description("Ask a running node whether it is ready", Name = "health")]
public sealed class HealthCommand : OperatorCommand<HealthInput>
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    public HealthCommand()
    {
        Usage("Ask the node of this machine").Arguments();
        Usage("Ask another").Arguments(input => input.Url);
    }

    private protected override string? ProblemOf(HealthInput input) =>
        Uri.TryCreate(input.Url, UriKind.Absolute, out _) ? null : $"{input.Url} is no URL.";

    private protected override async Task<ExitCode> RunAsync(HealthInput input)
    {
        using var http = new HttpClient { BaseAddress = new Uri(input.Url), Timeout = MaxWait };
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            Say(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? ExitCode.Success : ExitCode.Failure;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return Fail($"{http.BaseAddress} does not answer: {e.Message}");
        }
    }
}
