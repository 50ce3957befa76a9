using JasperFx.CommandLine;

namespace ResultsEs.Commands;

/// <summary>Which node to ask.</summary>
public sealed class HealthInput
{
    /// <summary>Its address.</summary>
    [Description("The node's address; default: http://localhost:5080")]
    public string Url { get; set; } = "http://localhost:5080";
}

/// <summary>
/// Asks a running node whether it is ready, for who can run a program and not make a request, such as a container's health check.
/// </summary>
[Description("Ask a running node whether it is ready", Name = "health")]
public sealed class HealthCommand : OperatorCommand<HealthInput>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The usages.</summary>
    public HealthCommand()
    {
        Usage("Ask the node of this machine").Arguments();
        Usage("Ask another").Arguments(input => input.Url);
    }

    /// <inheritdoc/>
    protected override string? ProblemOf(HealthInput input) =>
        Uri.TryCreate(input.Url, UriKind.Absolute, out _) ? null : $"{input.Url} is no URL.";

    /// <inheritdoc/>
    protected override async Task<ExitCode> RunAsync(HealthInput input)
    {
        using var http = new HttpClient { BaseAddress = new Uri(input.Url), Timeout = Patience };
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
